// SHA-256 (FIPS 180-4): the browser's own is missing where the page comes over plain HTTP from another machine.
function sha256(message) {
  const primes = [];
  for (let number = 2; primes.length < 64; number += 1) {
    if (primes.every((prime) => number % prime)) primes.push(number);
  }
  const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
  const state = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
  const padded = new Uint8Array(((message.length + 72) >> 6) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, message.length << 3);
  const words = new Int32Array(64);
  const turn = (value, by) => (value >>> by) | (value << (32 - by));
  for (let start = 0; start < padded.length; start += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(start + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const near = turn(words[i - 15], 7) ^ turn(words[i - 15], 18) ^ (words[i - 15] >>> 3);
      const far = turn(words[i - 2], 17) ^ turn(words[i - 2], 19) ^ (words[i - 2] >>> 10);
      words[i] = words[i - 16] + near + words[i - 7] + far;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const upper = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const lower = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
      const first = (h + upper + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
      const second = (lower + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] += value; });
  }
  return [...state].map((value) => (value >>> 0).toString(16).padStart(8, "0")).join("");
}

const FINGERPRINTED = 1024 * 1024; // bytes at each end

// Size and sha256 of the first and last MiB, as the server's own fingerprint of a file.
async function fingerprint(file) {
  const ends = new Blob([file.slice(0, FINGERPRINTED), file.slice(Math.max(0, file.size - FINGERPRINTED))]);
  return `${file.size}-${sha256(new Uint8Array(await ends.arrayBuffer()))}`;
}
