/** Builds the page into `dist/`, which the collector serves under a self-only content security policy. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // No data: URIs, which the policy refuses.
    assetsInlineLimit: 0,
    // One file: the style of a view that failed to come once would not be asked for again with its code.
    cssCodeSplit: false,
    // What took how long is nothing that who starts the collector for the first time could mend.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  worker: { format: 'es' },
  // `vite` alone (development) talks to a collector on its default address; `api/*.ts` are modules of the page.
  server: { proxy: { '^/(api|help)/(?!.*\\.ts)': 'http://127.0.0.1:4319' } },
});
