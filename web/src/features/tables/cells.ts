/** True when every filled cell reads as a plain number, so that a column can be set to the right. */
export function isNumeric(cells: string[]): boolean {
  const filled = cells.filter((cell) => cell.trim() !== "");
  return filled.length > 0 && filled.every((cell) => /^[-+]?[\d\s.,]+%?$/.test(cell.trim()) && /\d/.test(cell));
}
