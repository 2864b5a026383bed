"use strict";
// A network that Keras answers for, on the server that opened this page.

// Waits until the network is awake; which maps it can show is then in `setup`.
async function remoteNetwork(setup) {
  setup.heat = (await serverSays("/ready")).heat;
  return {
    async ask(input) {
      const houses = !(input instanceof Uint8Array);
      const { answer } = await serverSays("/ask", houses ? JSON.stringify(input) : input);
      return houses ? answer[0] : Float32Array.from(answer);
    },

    async prepare(file) {
      const { pixels, ...sides } = await serverSays("/prepare", file);
      return { pixels: bytesOf(pixels), ...sides };
    },

    async heat(pixels, kind, classIndex) {
      const { heat } = await serverSays(`/heat?kind=${kind}&class=${classIndex}`, pixels);
      return new Float32Array(bytesOf(heat).buffer);
    },
  };
}

// What the server answers, as an object; throws the sentence with which it refuses. With a body it
// is asked by POST.
async function serverSays(path, body) {
  return (await askServer(path, body)).json();
}

// The server's answer as it is; throws as `serverSays` does.
async function askServer(path, body) {
  const method = body === undefined ? "GET" : "POST";
  const answer = await fetch(path, { method, body }).catch(() => {
    throw new Error(t("no_server"));
  });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error((language === "es" ? said.error : said.error_en) || t("no_server"));
}
