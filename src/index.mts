// The ES module entry: the same module instance as the CommonJS one, so that there is one ScaLossError.
export * from './index.js'
