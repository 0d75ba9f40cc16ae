import { blobStoreContract } from '../contracts/blob-store.contract.ts'
import { MemoryBlobStore } from '../helpers/memory-blob-store.ts'

blobStoreContract('MemoryBlobStore', async () => new MemoryBlobStore())
