import { readFileSync } from 'node:fs'

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

/** What the built page carries of others, with the terms it comes under. */
const CARRIED = [
  ['Inter', '@fontsource-variable/inter/LICENSE'],
  ['uPlot', 'uplot/LICENSE'],
  ['Svelte', 'svelte/LICENSE.md'],
] as const

function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle() {
      const texts = CARRIED.map(([name, path]) => {
        const terms = readFileSync(new URL(`node_modules/${path}`, import.meta.url), 'utf8')
        return `${name}\n\n${terms.trim()}\n`
      })
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join('\n\n\n') })
    },
  }
}

// The base is relative, so that the page also works under a sub-path of a reverse proxy.
// Nothing is inlined: the page is served under `default-src 'self'`, which refuses data: addresses.
export default defineConfig({
  base: './',
  plugins: [svelte(), licences()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { host: '127.0.0.1', proxy: { '/api': 'http://127.0.0.1:8765' } },
})
