/** The product's mark: a forecast curve that ends in a decision. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" style={{ flex: "none" }} aria-hidden focusable="false">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path
        d="M6 21.5c4.5 0 5-9 10-9s5.5 5 10 5"
        fill="none"
        stroke="var(--surface)"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <circle cx="26" cy="17.5" r="2.4" fill="var(--surface)" />
    </svg>
  );
}
