export type Align = 'left' | 'right'

export interface Column {
  title: string
  align: Align
}

/** Replaces control characters. Names come from files, and a control character could break the rows or reach the
 * terminal. */
const printable = (text: string) => text.replace(/\p{Cc}/gu, ' ')

/** Formats a plain text table: a header line, a rule, the rows and, if `total` is given, another rule and that row.
 * Columns are as wide as their widest cell and two spaces apart. Every line ends in a newline. */
export function formatTable(columns: readonly Column[], rows: readonly string[][], total?: readonly string[]): string {
  const all = [columns.map(({ title }) => title), ...rows, ...(total ? [total] : [])].map((row) => row.map(printable))
  const widths = columns.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  const lines = all.map((row) =>
    row
      .map((cell, column) =>
        columns[column].align === 'left' ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, rule)
  if (total) lines.splice(-1, 0, rule)
  return lines.map((line) => `${line}\n`).join('')
}
