/** How many processors this process may use: its affinity, and the share its container was given. */
import { availableParallelism } from 'node:os'
import { CGROUP_PLACES, type CgroupPlaces, cgroupFiles } from './cgroup.ts'

const V2 = { directories: ['', 'unified'], controller: '', files: ['cpu.max'] }
const V1 = {
  directories: ['cpu', 'cpu,cpuacct', 'cpuacct,cpu'],
  controller: 'cpu',
  files: ['cpu.cfs_quota_us', 'cpu.cfs_period_us'],
}

/** At least 1, on every platform; never throws. Asked anew each time (it reads some small files): keep the answer a while. */
export function usableCpus(): number {
  return Math.max(1, Math.min(availableParallelism(), quotaInCpus())) // the first follows the affinity, also when it changes
}

/** The smallest quota on the way up, in whole processors; Infinity without one. */
export function quotaInCpus(places: CgroupPlaces = CGROUP_PLACES): number {
  const quotas = [
    ...cgroupFiles(V2, places).map(([max]) => max.split(' ')),
    ...cgroupFiles(V1, places), // -1 means none
  ]
  let least = Number.POSITIVE_INFINITY
  for (const [quota, period] of quotas) {
    const cpus = Math.ceil(Number(quota) / Number(period)) // NaN for 'max'
    if (cpus > 0) least = Math.min(least, cpus)
  }
  return least
}
