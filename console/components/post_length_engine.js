// How long a network takes a post to be; services/engines/posts.py keeps the same rule for X.
const postLength = (window.backlotPostLength ??= {
  // X counts an address as 23, an emoji of however many parts as 2, of other characters those of most alphabets as 1
  // and every other as 2 (twitter-text, configuration v3). Everybody else counts characters.
  of(network, text) {
    if (network !== "x_thread") return [...text].length;
    const EMOJI = /[\u{1f1e6}-\u{1f1ff}]{2}|[0-9#*]\ufe0f?\u20e3|[\u203c-\u3299\u{1f000}-\u{1faff}][\ufe0f\u{1f3fb}-\u{1f3ff}]*(?:\u200d[\u203c-\u3299\u{1f000}-\u{1faff}][\ufe0f\u{1f3fb}-\u{1f3ff}]*)+|[\u{1f000}-\u{1faff}][\ufe0f\u{1f3fb}-\u{1f3ff}]*|[\u203c-\u3299]\ufe0f/gu;
    const ADDRESS = /(?<![@A-Za-z0-9_.-])(?:https?:\/\/[^\s]+|(?:[a-z0-9][a-z0-9-]*\.)+(?:com|org|net|edu|gov|info|dev|app|io|ai|co|tv|me|eu|uk|de|fr)(?![A-Za-z0-9_-]|\.[A-Za-z0-9])(?:[/?#][^\s]*)?)/giu;
    let length = 0;
    const rest = text.normalize("NFC").replace(ADDRESS, (address) => {
      length += 23;
      return address.match(/[.,;:!?)\]}'"”’]*$/u)[0];
    }).replace(EMOJI, () => { length += 2; return ""; });
    for (const each of rest) {
      const code = each.codePointAt(0);
      length += [[0, 4351], [8192, 8205], [8208, 8223], [8242, 8247]].some(([low, high]) => low <= code && code <= high) ? 1 : 2;
    }
    return length;
  },
});
