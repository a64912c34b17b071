// What the browser itself can tell of a file before it is sent: a picture and a length. Nothing leaves the machine.
const LOOK_MS = 8000;
const PICTURE_WIDTH = 224;
const BLACK_TURNS = 8;
const BLACK_MS = 200;

// Resolves to {duration, picture}: seconds, and a small picture as a data address; null where the browser cannot tell.
function lookAt(file) {
  return new Promise((done) => {
    const found = { duration: null, picture: null };
    const address = URL.createObjectURL(file);
    const player = document.createElement("video");
    const end = () => {
      clearTimeout(timer);
      player.removeAttribute("src");
      player.load();
      URL.revokeObjectURL(address);
      done(found);
    };
    const timer = setTimeout(end, LOOK_MS);
    player.muted = true;
    player.preload = "auto";
    player.onerror = end;
    player.onloadedmetadata = () => {
      if (Number.isFinite(player.duration)) found.duration = player.duration;
      if (!player.videoWidth) return end();
      player.currentTime = Math.min(3, (found.duration ?? 0) / 10);
    };
    player.onseeked = () => {
      const canvas = document.createElement("canvas");
      canvas.width = PICTURE_WIDTH;
      canvas.height = Math.round((PICTURE_WIDTH * player.videoHeight) / player.videoWidth);
      const brush = canvas.getContext("2d", { willReadFrequently: true });
      // A busy machine says that it is there before the picture is: what is black may be nothing yet.
      const draw = (turn) => {
        brush.drawImage(player, 0, 0, canvas.width, canvas.height);
        const isBlack = brush.getImageData(0, 0, canvas.width, canvas.height).data.every((value, at) => at % 4 === 3 || value < 8);
        if (isBlack && turn < BLACK_TURNS) { setTimeout(() => draw(turn + 1), BLACK_MS); return; }
        found.picture = canvas.toDataURL("image/jpeg", 0.8);
        end();
      };
      draw(0);
    };
    player.src = address;
  });
}
