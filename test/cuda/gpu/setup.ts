import { beforeEach, inject } from 'vitest'

const noDevice = inject('noDevice')
if (noDevice) beforeEach(({ skip }) => skip(noDevice))
