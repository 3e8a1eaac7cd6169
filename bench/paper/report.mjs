import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// Writes the report as one page that contains everything: pictures are inlined, and there is no script and nothing to
// load.

/**
 * @import { Figure, Statement, Table, Verdict } from './run.mjs'
 * @typedef {{ figures: Figure[], quick: boolean, backend: string, machine: string }} Contents
 */

const STYLE = `
:root { color-scheme: light dark; --ink: #24292f; --faint: #59636e; --line: #d1d9e0; --paper: #fff; --soft: #f6f8fa;
  --good: #00694b; --part: #8a5a00; --bad: #a33c00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9198a1; --line: #30363d; --paper: #0d1117; --soft: #161b22;
  --good: #3fc79a; --part: #e6b450; --bad: #ff9a66; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 82rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { line-height: 1.2; } h2 { margin-top: 0; line-height: 1.25; }
p, li, dd { max-width: 46rem; } dt { margin-top: .5rem; color: var(--faint); } dd { margin: 0; }
a { color: inherit; }
section { margin: 2rem 0; padding-top: 1.5rem; border-top: 1px solid var(--line); }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 25rem)); gap: 1rem; margin: 1rem 0; }
.pictures img { display: block; width: 100%; height: auto; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .9rem; } caption { text-align: start; font-weight: 600; padding: .25rem 0; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
td, thead th { white-space: nowrap; } td { font-variant-numeric: tabular-nums; }
.verdicts { margin: 0; padding-left: 1.75rem; columns: 30rem 2; column-gap: 3rem; }
.verdicts li { break-inside: avoid; padding: .375rem 0; }
.verdict { font-weight: 700; white-space: nowrap; } .reproduced { color: var(--good); } .partly { color: var(--part); } .not { color: var(--bad); }
.not-run { color: var(--faint); }
footer, .about { color: var(--faint); } .warning { padding: .75rem; background: var(--soft); border: 1px solid var(--line); }
`

/** @type {Record<string, string>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escapeHtml = (/** @type {string} */ text) => text.replace(/[&<>"]/g, (character) => ENTITIES[character])

/** @param {string} path */
const dataUrl = (path) => `data:image/svg+xml;base64,${readFileSync(path).toString('base64')}`

/** @param {Verdict} verdict */
const mark = (verdict) => {
  const text = verdict === 'not' ? 'not reproduced' : verdict === 'not run' ? 'not run here' : verdict
  return `<span class="verdict ${verdict.replace(' ', '-')}">${text}</span>`
}

/** @param {Table} table */
const tableHtml = ({
  caption,
  head,
  rows,
}) => `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table>
<caption>${escapeHtml(caption)}</caption>
<thead><tr>${head.map((cell) => (cell === '' ? '<td></td>' : `<th scope="col">${escapeHtml(cell)}</th>`)).join('')}</tr></thead>
<tbody>
${rows.map(([first, ...cells]) => `<tr><th scope="row">${escapeHtml(first)}</th>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`).join('\n')}
</tbody></table></div>`

/**
 * @param {string} folder
 * @param {Figure} figure
 */
const sectionHtml = (folder, figure) => `<section id="${figure.id}">
<h2>${escapeHtml(figure.title)}</h2>
<dl><dt>The paper says</dt><dd>${escapeHtml(figure.statement)}</dd>
<dt>Here</dt><dd>${mark(figure.verdict)}: ${escapeHtml(figure.finding)}</dd></dl>
${(figure.notes ?? []).length > 0 ? `<ul class="about">\n${(figure.notes ?? []).map((note) => `<li>${escapeHtml(note)}</li>`).join('\n')}\n</ul>` : ''}
${figure.images.length > 0 ? `<div class="pictures">\n${figure.images.map(({ file, alt }) => `<img src="${dataUrl(join(folder, file))}" alt="${escapeHtml(alt)}">`).join('\n')}\n</div>` : ''}
${(figure.tables ?? []).map(tableHtml).join('\n')}
<p class="about">Numbers: ${figure.data.map(({ file }) => `<a href="${escapeHtml(file)}">${escapeHtml(file)}</a>`).join(', ')}</p>
</section>`

/** @type {(figure: Figure, statement: Statement) => string} */
const statementHtml = ({ id }, { statement, finding, verdict }) =>
  `<li><a href="#${id}">${escapeHtml(statement)}</a><br>${mark(verdict)}: ${escapeHtml(finding)}</li>`

/** All statements of a figure. @param {Figure} figure */
export const statementsOf = (figure) => [figure, ...(figure.statements ?? [])]

/**
 * Writes what the report says to FOLDER/figures.json; the pictures and numbers are in the folder already.
 * @param {string} folder
 * @param {Contents} contents
 */
export const writeContents = (folder, contents) =>
  writeFileSync(join(folder, 'figures.json'), `${JSON.stringify(contents, null, 1)}\n`)

/**
 * The report of a folder with figures.json and what that names, as one page.
 * @param {string} folder
 */
export function reportOf(folder) {
  /** @type {Contents} */
  const { figures, quick, backend, machine } = JSON.parse(readFileSync(join(folder, 'figures.json'), 'utf8'))
  const all = figures.flatMap(statementsOf)
  const verdicts = /** @type {Verdict[]} */ (['reproduced', 'partly', 'not', 'not run'])
  const counts = verdicts.map((verdict) => `${all.filter((one) => one.verdict === verdict).length} ${mark(verdict)}`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The SCALoss paper, regenerated</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>The SCALoss paper, regenerated</h1>
<p>The experiments of <cite>SCALoss: Side and Corner Aligned Loss for Bounding Box Regression</cite> (Zheng et al., AAAI 2022), run through the
public API of scaloss. Each section has what the paper says, what came out, and the numbers as files beside this page.</p>
${quick ? '<p class="warning"><strong>A quick run</strong>: few boxes and steps, to see that all works. Do not quote its numbers.</p>' : ''}
</header>
<main>
<section id="statements">
<h2>Statement by statement</h2>
<p>${counts.join(', ')}.</p>
<ol class="verdicts">
${figures.flatMap((figure) => statementsOf(figure).map((statement) => statementHtml(figure, statement))).join('\n')}
</ol>
</section>
${figures.map((figure) => sectionHtml(folder, figure)).join('\n')}
</main>
<footer><p>${escapeHtml(`Backend ${backend}. ${machine}.`)} Made by npm run paper.</p></footer>
</body>
</html>
`
}
