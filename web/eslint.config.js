import js from "@eslint/js";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

const mantine = {
  group: ["@mantine/*"],
  message: "Import from @/ui: it is the only place that knows the component library.",
};
const features = {
  group: ["@/features/*", "@/routes/*", "@/app/*"],
  message: "The way down is routes -> features -> ui and lib. Features do not know each other.",
};

export default tseslint.config(
  { ignores: ["node_modules", "public", ".size-limit.js", "src/lib/api/schema.d.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  jsxA11y.flatConfigs.strict,
  reactHooks.configs.flat["recommended-latest"],
  {
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      // The router ends a guard by throwing a redirect, which is not an Error.
      "@typescript-eslint/only-throw-error": "off",
    },
  },
  { files: ["src/**/*.{ts,tsx}"], ignores: ["src/ui/**"], rules: { "no-restricted-imports": ["error", { patterns: [mantine] }] } },
  { files: ["src/ui/**", "src/lib/**"], rules: { "no-restricted-imports": ["error", { patterns: [features] }] } },
  {
    files: ["src/features/**"],
    rules: { "no-restricted-imports": ["error", { patterns: [mantine, features] }] },
  },
  { files: ["*.config.js"], ...tseslint.configs.disableTypeChecked },
);
