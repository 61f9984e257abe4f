import prettier from 'eslint-config-prettier/flat'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const productCode = [
  '{activities,api,cli,dag,data,domain,platform,schedules,worker,workflows}/**/*.ts',
]

export default defineConfig(
  globalIgnores(['.daybook/', 'coverage/', 'console/dist/', 'data/incoming/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // Writers that fulfil an interface are async without awaiting anything themselves.
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300 }],
    },
  },
  {
    files: ['{dag,workflows}/**/*.ts'],
    rules: {
      // An activity call without `await` runs, but the workflow neither waits for it nor fails with
      // it, and the compiler says nothing. Here not even `void` excuses it.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
    },
  },
  {
    files: ['tests/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // Rows of a query and parsed JSON are `any` here; the assertions look at what is in them.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // Activities are handed around as plain functions; none uses `this`.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: productCode,
    rules: {
      // Values are parsed at the door; after that a cast would only hide a wrong type.
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
    },
  },
  {
    files: productCode,
    // The embedded servers look at the machine (PATH, caches), not at settings.
    ignores: ['platform/config.ts', 'platform/embedded/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Only platform/config.ts reads the environment; take the setting from Config.',
        },
      ],
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: { console: 'readonly', process: 'readonly', URL: 'readonly' } },
  },
  prettier,
)
