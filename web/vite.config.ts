import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

// The portal is embedded in the control plane's binary, so it is built straight
// into the folder that the binary embeds. In development the API is a running
// product on its usual address.
const product = process.env["DYOCENSE_URL"] ?? "http://127.0.0.1:8080";

// The page at /docs shows the API's document with Swagger UI, served by ourselves.
function apiDocs(): Plugin {
  const files = ["swagger-ui-bundle.js", "swagger-ui.css"];
  return {
    name: "api-docs",
    apply: "build",
    generateBundle() {
      for (const name of files) {
        const source = readFileSync(new URL(`./node_modules/swagger-ui-dist/${name}`, import.meta.url));
        this.emitFile({ type: "asset", fileName: `docs/${name}`, source });
      }
    },
  };
}

export default defineConfig(({ command }) => ({
  // A build that works has nothing to say; one that does not still says what is wrong.
  logLevel: command === "build" ? "warn" : "info",
  plugins: [react(), apiDocs()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../controlplane/internal/portal/dist",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 600,
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/v1", "/health", "/sandbox", "/openapi.json", "/docs"].map((path) => [path, { target: product }]),
    ),
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
  },
}));
