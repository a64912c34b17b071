// One live stream for the browser, kept on the window and shared between its tabs.
const live = (window.backlotLive ??= makeLive());

function makeLive() {
  const watchers = new Set();
  const videos = new Map();
  return {
    // "live", "connecting" or "away": away means that what is shown may be old.
    state: "connecting",
    // The newest that is known of a video's newest job, or undefined: {video_id, job_id, title, owner, video_state,
    // job_state, kind, percent, message, eta, stages: [{name, state, percent, message, reason}]}; eta in seconds or null.
    video: (id) => videos.get(id),
    videos: () => [...videos.values()],
    // Calls back at once, and after each change; answers how to stop it.
    watch(changed) {
      watchers.add(changed);
      changed();
      return () => watchers.delete(changed);
    },
  };
}
