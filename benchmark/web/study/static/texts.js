// The page's sentences, by page and key, and what they are filled with.

const sentences = JSON.parse(document.querySelector('meta[name="texts"]').content);

/**
 * Return a sentence of the study's texts.
 *
 * @param {string} key such as "rate.progress".
 * @param {Object<string, string|number>} values what stands in for words in braces.
 * @returns {string}
 * @throws {Error} the page was given no sentence of this key.
 */
export function text(key, values = {}) {
  const [page, name] = key.split(".");
  const sentence = sentences[page]?.[name];
  if (sentence === undefined) throw new Error(`no sentence ${key}`);
  return sentence.replace(/\{(\w+)\}/g, (braces, name) => (name in values ? String(values[name]) : braces));
}
