import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { codeBlocks, copyPackage, makeProject, ROOT, saidToPrint } from '../support/project.js'

// `scaloss/tfjs` as a user's project sees it: both module systems, the types, the peer dependency, the page about it.

const TENSORFLOW = ['core', 'layers', 'backend-cpu'].map((name) => `@tensorflow/tfjs-${name}`)
const { check, folder, remove, run, write } = makeProject(TENSORFLOW)
afterAll(remove)

it('both module systems share the same functions', () => {
  write(
    'both.mjs',
    `import { createRequire } from 'node:module'
     import * as imported from 'scaloss/tfjs'
     const required = createRequire(import.meta.url)('scaloss/tfjs')
     const names = (of) => Object.keys(of).sort().join()
     console.log(names(imported) === names(required))
     console.log(Object.keys(imported).every((name) => imported[name] === required[name]))`,
  )
  expect(run('both.mjs').trim().split('\n')).toEqual(['true', 'true'])
})

it('a mistake is the ScaLossError of the package', () => {
  write(
    'error.mjs',
    `import { ScaLossError } from 'scaloss'
     import { scaLoss } from 'scaloss/tfjs'
     try { scaLoss([], []) } catch (error) { console.log(error instanceof ScaLossError, error.message) }`,
  )
  expect(run('error.mjs').trim()).toBe('true yPred: expected a tensor, got an array of 0')
})

const program = `
  const p: tf.Tensor2D = tf.zeros([1, 4])
  const losses: tf.Tensor[] = [scaLoss(p, p), boxLoss('ciou', { reduction: tf.Reduction.MEAN, weight: [1], detachAlpha: false })(p, p)]
  sequential().compile({ optimizer: 'sgd', loss: scaLoss, metrics: [iouLoss] })
  // @ts-expect-error not a tensor
  scaLoss(p, [[0, 0, 1, 1]])
  // @ts-expect-error no such loss
  boxLoss('scaa')
  // @ts-expect-error results are tensors
  boxLoss('sca', { out: {} })
  boxLoss('mpdiou', { imageWidth: 640, imageHeight: 480 })
  const wrap = <O extends TensorLossOptions>(o: O, declared: TensorLossOptions) => [boxLoss('sca', o), boxLoss('sca', declared)]
  // @ts-expect-error an option of another loss
  boxLoss('sca', { focal: 2 })
  // @ts-expect-error a convention of another loss
  boxLoss('sca', { convention: 'torchvision' })
  // @ts-expect-error a misspelt option
  boxLoss('sca', { alpha: 2, weigth: [1] })
  // @ts-expect-error the size of the image is required
  boxLoss('mpdiou')
  // @ts-expect-error both sides of it
  boxLoss('mpdiou', { imageWidth: 640 })
  throw [losses, wrap]`

it.each([
  ['ES module', 'types.mts'],
  ['CommonJS', 'types.cts'],
])('%s: the types are right', (_, file) => {
  write(
    file,
    `import * as tf from '@tensorflow/tfjs-core'
     import { sequential } from '@tensorflow/tfjs-layers'
     import { boxLoss, iouLoss, scaLoss, type TensorLossOptions } from 'scaloss/tfjs'
     ${program}`,
  )
  // The types of TensorFlow.js name others that it does not depend on.
  expect(check(file, '--skipLibCheck')).toBe('')
})

it('the package works without TensorFlow.js, and says what scaloss/tfjs misses', () => {
  const alone = makeProject()
  const installed = join(alone.folder, 'node_modules/scaloss')
  rmSync(installed)
  copyPackage(installed)
  alone.write('main.mjs', `import { scaLoss } from 'scaloss'; console.log(typeof scaLoss)`)
  alone.write('tfjs.mjs', `import 'scaloss/tfjs'`)
  expect(alone.run('main.mjs').trim()).toBe('function')
  expect(() => alone.run('tfjs.mjs')).toThrow("Cannot find module '@tensorflow/tfjs-core'")
  alone.remove()
})

describe('docs/tfjs.md', () => {
  const page = readFileSync(join(ROOT, 'docs/tfjs.md'), 'utf8')

  it.each(codeBlocks(page, 'js').map((example, i) => [i + 1, example] as const))(
    'example %i prints what it says',
    (i, example) => {
      write(`example${i}.mjs`, example)
      const said = saidToPrint(example)
      expect(said.length).toBeGreaterThan(0)
      expect(
        run(join(folder, `example${i}.mjs`))
          .trim()
          .split('\n'),
      ).toEqual(said)
    },
  )
})
