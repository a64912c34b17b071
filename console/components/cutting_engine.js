// Where a clip may be cut: the same rule as services/cuts.py and the stage keep. Times are seconds of the video.
const cutting = (window.backlotCutting ??= {
  // For each word, in order of time: `start`, where a clip begins whose first word it is, and `end`, where one ends
  // whose last word it is; null where words overlap, so that a cut would lie within one.
  points(words, { lead_in, lead_out, duration, scene_cuts }) {
    let ended = 0;
    return words.map((word, number) => {
      const before = ended;
      ended = Math.max(ended, word.end);
      const following = words[number + 1]?.start ?? Math.max(ended, duration);
      const from = Math.max(before, word.start - lead_in);
      const to = Math.min(following, ended + lead_out, Math.max(ended, duration));
      return {
        start: before > word.start ? null : scene_cuts.find((at) => from < at && at <= word.start) ?? from,
        end: following < ended || to > duration ? null : scene_cuts.find((at) => ended <= at && at < to) ?? to,
      };
    });
  },

  // The word nearest to `number`, going by `step`, at which an edge ("start" or "end") may lie; null where there is none.
  next(points, edge, number, step) {
    for (let at = number; at >= 0 && at < points.length; at += step) if (points[at][edge] !== null) return at;
    return null;
  },

  // First and last word of a passage.
  within(words, start, end) {
    const middles = words.map((word) => (word.start + word.end) / 2);
    const first = middles.findIndex((at) => at >= start);
    const last = middles.findLastIndex((at) => at <= end);
    return first < 0 || last < first ? null : { first, last };
  },

  // Why a passage of this length cannot be rendered; empty where it can.
  problem(length, { shortest, longest }) {
    if (length < shortest) return `Too short: at least ${shortest} seconds are needed.`;
    if (length > longest) return `Too long: at most ${longest} seconds are taken by the networks.`;
    return "";
  },
});
