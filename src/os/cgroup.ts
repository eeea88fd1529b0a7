/** The limits a container or service was given: what the control groups of this process say, from its own up to the root. */
import { readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'

/** Where to look; tests bring a tree of their own. */
export interface CgroupPlaces {
  /** This process's membership. */
  self: string
  /** Where the hierarchies are mounted. */
  mount: string
}

export const CGROUP_PLACES: CgroupPlaces = { self: '/proc/self/cgroup', mount: '/sys/fs/cgroup' }

/** What one version of the interface calls what we ask for: its hierarchy, and the files to read together. */
export interface CgroupQuestion {
  /** Names of the directory under the mount where the hierarchy may be; '' is the mount itself. */
  directories: readonly string[]
  /** The controller as in /proc/self/cgroup; '' for version 2. */
  controller: string
  files: readonly string[]
}

/** The contents of the asked files for every group on the way up that has all of them; never throws. */
export function cgroupFiles(question: CgroupQuestion, places: CgroupPlaces = CGROUP_PLACES): string[][] {
  const path = pathOf(question.controller, places)
  if (path === undefined) return []
  const found: string[][] = []
  for (const directory of question.directories) {
    // inside a container the path may be the host's and not exist here: the walk ends at the container's own root
    for (let at = path; ; at = join(at, '..')) {
      const contents = question.files.map(file => read(join(places.mount, directory, at, file)))
      if (contents.every(content => content !== undefined)) found.push(contents as string[])
      if (at === '/') break
    }
  }
  return found
}

/** Lines are `id:controllers:path`, and version 2 is the one without controllers. */
function pathOf(controller: string, places: CgroupPlaces): string | undefined {
  for (const line of read(places.self)?.split('\n') ?? []) {
    const [, controllers, ...rest] = line.split(':')
    if (controllers?.split(',').includes(controller)) return normalize(`/${rest.join(':')}`)
  }
  return undefined
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
