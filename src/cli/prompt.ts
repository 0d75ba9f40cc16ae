import { StringDecoder } from 'node:string_decoder'
import { OperatorError } from '../base/operator-error.ts'
import { Secret } from '../base/secret.ts'

/** The part of a terminal's input that is needed here. */
export interface TerminalInput {
  setRawMode(raw: boolean): unknown
  on(event: 'data', listener: (bytes: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  off(event: 'data', listener: (bytes: Buffer) => void): unknown
  off(event: 'end', listener: () => void): unknown
  resume(): unknown
  pause(): unknown
}

interface PromptOptions {
  readonly input: TerminalInput
  readonly output: { write(text: string): unknown }
  /** Fires where the command is to end. */
  readonly signal: AbortSignal
  /** What Ctrl-C does, which the terminal does not do by itself while nothing is echoed. */
  readonly interrupt: () => void
}

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const CTRL_U = '\u0015'
const BACKSPACES = ['\b', '\u007f']

/**
 * Asks for lines on a terminal that shows none of them. What is typed ahead counts for the next question. The
 * terminal is as before when it is disposed of.
 */
export class SecretPrompt implements Disposable {
  readonly #options: PromptOptions
  readonly #decoder = new StringDecoder('utf8')
  /** Typed, and not yet part of an answer. */
  #typed: string[] = []
  #ended = false
  #look: () => void = () => {}

  constructor(options: PromptOptions) {
    this.#options = options
    const { input } = options
    input.setRawMode(true)
    input.on('data', this.#take)
    input.on('end', this.#end)
    input.resume()
  }

  /** One line. Rejects with the signal's reason where that fires. */
  async ask(question: string): Promise<Secret> {
    const { output, signal } = this.#options
    output.write(question)
    let line = ''
    try {
      for (;;) {
        signal.throwIfAborted()
        const key = this.#typed.shift()
        if (key === undefined) {
          if (this.#ended) throw noAnswer()
          await this.#more()
        } else if (key === '\r' || key === '\n') return new Secret(line)
        else if (key === CTRL_C) {
          this.#options.interrupt()
          await this.#more()
        } else if (key === CTRL_D) {
          if (line === '') throw noAnswer()
        } else if (key === CTRL_U) line = ''
        else if (BACKSPACES.includes(key)) line = [...line].slice(0, -1).join('')
        else line += key
      }
    } finally {
      output.write('\n')
    }
  }

  [Symbol.dispose](): void {
    const { input } = this.#options
    input.off('data', this.#take)
    input.off('end', this.#end)
    input.pause()
    input.setRawMode(false)
  }

  readonly #take = (bytes: Buffer) => {
    this.#typed.push(...this.#decoder.write(bytes))
    this.#look()
  }

  readonly #end = () => {
    this.#ended = true
    this.#look()
  }

  #more(): Promise<void> {
    const { signal } = this.#options
    return new Promise((resolve) => {
      this.#look = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}

function noAnswer(): OperatorError {
  return new OperatorError('No password was given', 'in a script, pipe it in with --stdin')
}
