// node test/package/prebuilds/musl.mjs, run after npm run prebuild:pack -- linux-x64-musl, tests the prebuild on Bun
// for musl, with the musl of Debian (musl-tools). Bun also needs a libstdc++ for musl, which is made of the one for
// glibc and the functions that musl lacks.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compare } from './compare.mjs'

const LACKING = `
#include <locale.h>
#include <stdlib.h>
#include <time.h>
char __libc_single_threaded = 0;
int __cxa_thread_atexit_impl(void (*run)(void *), void *object, void *library) { return 0; }
int _dl_find_object(void *address, void *result) { return -1; }
unsigned arc4random(void) { return rand(); }
size_t __strftime_l(char *to, size_t size, const char *format, const struct tm *time, locale_t locale) {
  return strftime_l(to, size, format, time, locale);
}
`
const libraryOf = (/** @type {string} */ name) =>
  execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim()

compare('linux-x64-musl', '@oven/bun-linux-x64-musl@1.4.5', ['scalar', 'baseline', 'avx2', 'avx512'], (folder) => {
  writeFileSync(join(folder, 'lacking.c'), LACKING)
  const whole = ['-Wl,--whole-archive', libraryOf('libstdc++.a'), libraryOf('libgcc_eh.a'), '-Wl,--no-whole-archive']
  const rest = [libraryOf('libgcc.a'), '-lc']
  const output = ['-fPIC', '-shared', '-nodefaultlibs', '-o', join(folder, 'libstdc++.so.6')]
  execFileSync('musl-gcc', [...output, join(folder, 'lacking.c'), ...whole, ...rest])
  execFileSync('ln', ['-s', '/lib/ld-musl-x86_64.so.1', join(folder, 'libc.musl-x86_64.so.1')])
  // Not `workers`, which looks for the addon among the files that the process has loaded: Bun does not list them.
  return [{ command: './bin/bun', env: { LD_LIBRARY_PATH: folder }, ways: ['all', 'exit'] }]
})
