import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

// The one accent: petrol. Everything else is ink on paper; green, amber and red
// are kept for states and never decorate.
const petrol: MantineColorsTuple = [
  "#e6f4f4",
  "#cfe8e9",
  "#a3d4d6",
  "#74bfc2",
  "#4fb0b4",
  "#2f9a9f",
  "#178589",
  "#0b6e74",
  "#075a5f",
  "#04474b",
];

// Red for what gives something up, dark enough for white words on it.
const red: MantineColorsTuple = [
  "#fbe9e7",
  "#f6cfcb",
  "#efaaa4",
  "#e6827a",
  "#dc5f55",
  "#cf443a",
  "#c1332a",
  "#b3261e",
  "#951d16",
  "#771610",
];

// The neutrals of the dark theme, with the same cool tint as the tokens.
const dark: MantineColorsTuple = [
  "#e7ecec",
  "#c4cdcf",
  "#a9b5b7",
  "#7b8789",
  "#3b464a",
  "#283033",
  "#1b2123",
  "#161b1d",
  "#0f1315",
  "#0b0e10",
];

export const theme = createTheme({
  primaryColor: "petrol",
  primaryShade: 7,
  colors: { petrol, red, dark },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, monospace",
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  lineHeights: { xs: "1.35", sm: "1.45", md: "1.55", lg: "1.5", xl: "1.35" },
  spacing: { xs: "0.5rem", sm: "0.75rem", md: "1rem", lg: "1.5rem", xl: "2rem" },
  defaultRadius: "sm",
  radius: { xs: "3px", sm: "5px", md: "8px", lg: "12px", xl: "16px" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "0.9375rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    NumberInput: { defaultProps: { size: "sm", thousandSeparator: ",", clampBehavior: "none" } },
    NativeSelect: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 } } },
  },
});

/** Binds the component library's colours to our own tokens (tokens.css). */
export const cssVariablesResolver: CSSVariablesResolver = () => {
  const tokens = {
    "--mantine-color-body": "var(--surface)",
    "--mantine-color-text": "var(--ink)",
    "--mantine-color-dimmed": "var(--ink-2)",
    "--mantine-color-placeholder": "var(--ink-3)",
    "--mantine-color-default": "var(--surface)",
    "--mantine-color-default-hover": "var(--sunken)",
    "--mantine-color-default-border": "var(--line-strong)",
    "--mantine-color-default-color": "var(--ink)",
    "--mantine-color-error": "var(--bad)",
    "--mantine-color-anchor": "var(--accent)",
  };
  return { variables: {}, light: tokens, dark: tokens };
};
