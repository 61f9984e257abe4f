/**
 * Who may import what at run time. A folder may always import itself; `import type` is free, because
 * it is gone before the code runs. `packages` lists npm packages, or is 'any' for adapters.
 */
export const map = {
  dag: { folders: [], packages: ['zod'] },
  domain: { folders: [], packages: ['zod', 'simple-statistics'] },
  workflows: { folders: ['dag', 'domain'], packages: ['@temporalio/workflow', 'zod'] },
  platform: { folders: ['domain'], packages: 'any' },
  activities: { folders: ['dag', 'domain', 'platform'], packages: 'any' },
  schedules: { folders: ['dag', 'domain', 'platform', 'workflows'], packages: 'any' },
  worker: { folders: ['activities', 'schedules', 'platform', 'workflows', 'dag'], packages: 'any' },
  cli: {
    folders: ['activities', 'schedules', 'platform', 'dag', 'domain', 'data'],
    packages: 'any',
  },
  api: { folders: ['schedules', 'platform', 'dag', 'domain'], packages: 'any' },
  console: { folders: [], packages: 'any' },
  data: { folders: ['domain'], packages: 'any' },
  chaos: { folders: ['schedules', 'platform', 'dag', 'domain', 'data'], packages: 'any' },
  bin: { folders: ['cli'], packages: 'any' },
}

/** The part of dag/ that runs inside a workflow. */
const runLoop = '^dag/run-loop/'

/** @param {string[] | 'any'} packages */
function allowedPackages(packages) {
  if (packages === 'any') return ['^node_modules/']
  return packages.map((name) => `^node_modules/${name}/`)
}

function ruleFor([folder, { folders, packages }]) {
  return {
    name: `map-${folder}`,
    comment: `${folder}/ may import ${[folder, ...folders].join(', ')} at run time; see CONTRIBUTING.md`,
    severity: 'error',
    from: { path: `^${folder}/`, pathNot: folder === 'dag' ? [runLoop] : [] },
    to: {
      pathNot: [...[folder, ...folders].map((name) => `^${name}/`), ...allowedPackages(packages)],
      // Files on disk and sockets are for the adapters; the pure folders run inside workflows.
      ...(packages === 'any' ? { dependencyTypesNot: ['core'] } : {}),
    },
  }
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.entries(map).map(ruleFor),
    {
      name: 'map-dag-run-loop',
      comment: 'The run loop alone may use the workflow API besides zod',
      severity: 'error',
      from: { path: runLoop },
      to: { pathNot: ['^dag/', '^node_modules/(zod|@temporalio/workflow)/'] },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: '^tests/' },
      to: { path: '^tests/' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'not-to-dev-dep',
      comment: 'What the product imports at run time is a dependency, not a devDependency',
      severity: 'error',
      from: { path: `^(${Object.keys(map).join('|')})/` },
      to: { dependencyTypes: ['npm-dev'], path: '^node_modules/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(\\.daybook|\\.git|coverage|data/incoming)/' },
    tsPreCompilationDeps: false,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
