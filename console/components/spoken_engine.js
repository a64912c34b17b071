// What is asked of the lines of a transcript, however long it is: lines are in order of time.
const spoken = (window.backlotSpoken ??= {
  words: (segment) => (segment.words.length ? segment.words : [segment]),
  // The line that is said at a time, or -1 before the first.
  lineAt(segments, seconds) {
    let low = 0;
    let high = segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (segments[middle].start <= seconds) low = middle + 1; else high = middle - 1;
    }
    return high;
  },
  // Where a text stands, in lower case: {line, first, last}, the last two are words of the line.
  matches(segments, wanted) {
    const found = [];
    segments.forEach((segment, line) => {
      const whole = this.words(segment).map((word) => word.text.trim().toLowerCase()).join(" ");
      for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) {
        const first = whole.slice(0, at).split(" ").length - 1;
        found.push({ line, first, last: whole.slice(0, at + wanted.length).split(" ").length - 1 });
      }
    });
    return found;
  },
  // The place of the first match in a line, or where it would be.
  firstIn(found, line) {
    let low = 0;
    let high = found.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (found[middle].line < line) low = middle + 1; else high = middle;
    }
    return low;
  },
});

