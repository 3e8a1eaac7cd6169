import { type BackendName, backends } from '../../src/index.js'

/** The compiled backends that run here: on a machine with a GPU, suites over them test CUDA like the CPU. */
export const COMPILED: readonly BackendName[] = backends().cuda.available ? ['cpu', 'cuda', 'wasm'] : ['cpu', 'wasm']
export const EVERY_BACKEND: readonly BackendName[] = [...COMPILED, 'js']
