import { load } from '#words'
export { load }
