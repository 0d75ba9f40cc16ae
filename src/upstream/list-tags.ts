import { isTag } from '../oci/name.ts'
import type { Asking } from './asking.ts'
import { readWhole } from './body.ts'
import { nextLink } from './link.ts'
import { wrongAnswer } from './missed.ts'
import type { TagPage } from './upstream.ts'

export interface TagsAsked {
  readonly repository: string
  readonly last?: string | undefined
  readonly limit: number
}

/** More of a page are refused by some (ECR). */
const MOST = 1_000
const LONGEST_LIST = 4 * 1024 * 1024
/** As many links are remembered. */
const MOST_LINKS = 500

/**
 * Pages of tags. Some upstreams (quay.io) order them in their own way, and know where a page begins only by the `Link`
 * of the one before: it is remembered by its last tag.
 */
export class TagLister {
  readonly #links = new Map<string, string>()

  /** Throws a `Missed`. */
  async list(asking: Asking, asked: TagsAsked): Promise<TagPage> {
    const { repository, last, limit } = asked
    const query = new URLSearchParams({ n: String(Math.min(limit, MOST)), ...(last !== undefined && { last }) })
    const remembered = last === undefined ? undefined : this.#links.get(`${repository} ${last}`)
    const reply = await asking.ask({
      ...{ hop: 'tags', method: 'GET', repository, takes: [200] },
      path: remembered ?? `${repository}/tags/list?${query.toString()}`,
      headers: { accept: 'application/json', 'accept-encoding': 'identity' },
    })
    const link = nextLink(reply)
    const all = tagsIn(await readWhole(reply, LONGEST_LIST))
    if (all === undefined) throw wrongAnswer(reply, 'json')
    const page = pageOf(all, { last, limit, more: link !== undefined })
    const end = page.tags.at(-1)
    if (link !== undefined && end !== undefined && end === all.at(-1)) this.#remember(`${repository} ${end}`, link)
    return page
  }

  #remember(key: string, link: string): void {
    this.#links.delete(key)
    this.#links.set(key, link)
    const [oldest] = this.#links.keys()
    if (this.#links.size > MOST_LINKS && oldest !== undefined) this.#links.delete(oldest)
  }
}

/** What is on the page that was asked for, of an upstream that may send all, whatever is asked. Pure. */
export function pageOf(
  all: readonly string[],
  { last, limit, more }: { readonly last?: string | undefined; readonly limit: number; readonly more: boolean },
): TagPage {
  const rest = last === undefined ? all : all.slice(all.indexOf(last) + 1)
  return { tags: rest.slice(0, limit), more: more || rest.length > limit }
}

function tagsIn(bytes: Uint8Array): string[] | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (typeof json !== 'object' || json === null || !('tags' in json)) return undefined
    // How Go writes an empty list.
    if (json.tags === null) return []
    return Array.isArray(json.tags) ? json.tags.filter((tag) => typeof tag === 'string' && isTag(tag)) : undefined
  } catch {
    return undefined
  }
}
