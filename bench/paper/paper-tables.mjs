import { readFileSync } from 'node:fs'

// Tables 1 to 7 as the paper prints them.

/** @typedef {{ caption: string, columns: string[], rows: Record<string, number[]> }} Quoted */

/** @type {{ columns: string[], tables: (Omit<Quoted, 'columns'> & { columns?: string[] })[] }} */
const paper = JSON.parse(readFileSync(new URL('tables.json', import.meta.url), 'utf8'))

/** @type {Quoted[]} */
export const PAPER_TABLES = paper.tables.map((table) => ({ columns: paper.columns, ...table }))

/** @param {number} number As the paper counts. */
export const paperTable = (number) => PAPER_TABLES[number - 1]
