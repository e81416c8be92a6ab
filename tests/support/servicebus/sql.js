'use strict';

/*
 * As much of Service Bus's SQL as its rules need here: comparisons (= <> != < <= > >=), LIKE, IN, IS [NOT] NULL, AND, OR,
 * NOT and brackets over names, texts and numbers. sys.NAME is a property of the broker's, NAME or user.NAME one of the
 * message's own.
 */
const kToken = /\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w.]*|\[[^\]]+\])|(<>|!=|<=|>=|[=<>(),]))/y;

function tokensOf(text) {
  const tokens = [];
  kToken.lastIndex = 0;
  while (text.slice(kToken.lastIndex).trim() !== '') {
    const found = kToken.exec(text);
    if (!found) throw new SyntaxError(`There was an error parsing the SQL expression '${text}'.`);
    const [, string, number, name, sign] = found;
    if (string !== undefined) tokens.push({ value: string.slice(1, -1).replace(/''/g, "'") });
    else if (number !== undefined) tokens.push({ value: Number(number) });
    else if (name !== undefined) tokens.push({ word: name.toUpperCase(), name: name.replace(/^\[|\]$/g, '') });
    else tokens.push({ word: sign });
  }
  return tokens;
}

const kCompare = {
  '=': (a, b) => a === b,
  '<>': (a, b) => a !== b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
const like = (pattern) =>
  new RegExp('^' + pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/%/g, '.*').replace(/_/g, '.') + '$', 's');

/** The expression as a function of a function that knows names; throws a SyntaxError for none. */
function compile(text) {
  const tokens = tokensOf(text);
  const next = (word) => tokens[0]?.word === word && tokens.shift();
  const must = (word) => {
    if (!next(word)) throw new SyntaxError(`There was an error parsing the SQL expression '${text}': no ${word}.`);
  };
  const operand = () => {
    const token = tokens.shift();
    if (token && 'value' in token) return () => token.value;
    if (token?.name === undefined) must('a name or a value');
    if (token.word === 'TRUE' || token.word === 'FALSE') return () => token.word === 'TRUE';
    return (of) => of(token.name);
  };
  const known = (a, test) => (of) => a(of) !== undefined && test(of); // what is not there is neither equal nor unequal
  const comparison = () => {
    if (next('(')) {
      const inner = either();
      must(')');
      return inner;
    }
    const a = operand();
    if (next('IS')) {
      const not = Boolean(next('NOT'));
      must('NULL');
      return (of) => (a(of) === undefined) !== not;
    }
    const not = Boolean(next('NOT'));
    if (next('LIKE')) {
      const pattern = operand();
      return known(a, (of) => like(String(pattern(of))).test(String(a(of))) !== not);
    }
    if (next('IN')) {
      must('(');
      const all = [operand()];
      while (next(',')) all.push(operand());
      must(')');
      return known(a, (of) => all.some((each) => each(of) === a(of)) !== not);
    }
    const sign = tokens.shift()?.word;
    if (!(sign in kCompare)) must('comparison');
    const b = operand();
    return known(a, (of) => b(of) !== undefined && kCompare[sign](a(of), b(of)));
  };
  const negation = () => {
    if (!next('NOT')) return comparison();
    const inner = negation();
    return (of) => !inner(of);
  };
  const both = () => {
    let left = negation();
    while (next('AND')) {
      const [a, b] = [left, negation()];
      left = (of) => a(of) && b(of);
    }
    return left;
  };
  const either = () => {
    let left = both();
    while (next('OR')) {
      const [a, b] = [left, both()];
      left = (of) => a(of) || b(of);
    }
    return left;
  };
  const whole = either();
  if (tokens.length > 0) must('end');
  return whole;
}

module.exports = { compile };
