/**
 * Runs the simulation experiment of the SCALoss paper.
 * @module scaloss/simulation
 */

export {
  GEOMETRIES,
  type Geometry,
  learningRate,
  lossOptions,
  SIMULATION_LOSSES,
  type SimulationOptions,
  type SimulationState,
  simulate,
  simulationCases,
} from './simulation/simulation.js'
