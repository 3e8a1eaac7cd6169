/** The file that this code is in. A bundle of ES modules has a URL. One of CommonJS has a path, and an empty
 * `import.meta`. */
export const here = whereThisIs()

function whereThisIs(): string | undefined {
  // Webpack takes `typeof __filename` for a string, whether there will be one or not.
  try {
    return __filename
  } catch {
    return import.meta.url
  }
}
