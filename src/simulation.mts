// The ES module entry of scaloss/simulation, as index.mts is that of scaloss.
export type * from './simulation.js'
export {
  GEOMETRIES,
  learningRate,
  lossOptions,
  SIMULATION_LOSSES,
  simulate,
  simulationCases,
} from './simulation.js'
