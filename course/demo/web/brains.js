"use strict";
// Choose a brain or upload one, let the network segment it, and walk through it with the viewer of
// evaluation/page/volume.js.

const POLL_MS = 400; // how often the server is asked how far the network is

function brainsView(root) {
  const part = unfold(root, "brains");
  const [choice, upload, segment, download, bar, message] = [
    ".case", ".upload", ".segment", ".download", "progress", ".message",
  ].map(part);
  let id = null; // of the case on the page
  let about = null; // what the server knows of it
  let view = null;

  // A question whose failure is one sentence on the page.
  function guarded(action) {
    return async (...given) => {
      tell("");
      try {
        await action(...given);
      } catch (error) {
        tell(error.message);
      } finally {
        progress.say("");
      }
    };
  }

  const list = guarded(async () => {
    progress.say("brain_opening");
    const cases = await serverSays("/brain/cases");
    choice.append(...cases.map((one) => new Option(one.name, one.id)));
    await open(choice.value);
  });

  async function open(newId) {
    [id, about, view] = [newId, null, null];
    part(".viewer").replaceChildren();
    show(newId, await serverSays(`/brain/${newId}`));
    await follow(newId);
  }

  // Ask again and again, as long as the network works on the case that is on the page.
  async function follow(asked) {
    while (id === asked && about.state === "working") {
      progress.say("brain_working");
      await new Promise((done) => setTimeout(done, POLL_MS));
      show(asked, await serverSays(`/brain/${asked}`));
    }
  }

  // What is known of a case; another one may have been chosen meanwhile.
  function show(asked, known) {
    if (id !== asked) return;
    const news = known.state !== about?.state;
    about = known;
    segment.hidden = about.state !== "new";
    bar.hidden = about.state !== "working";
    bar.value = about.progress;
    download.hidden = about.state !== "done";
    download.href = `/brain/${id}/mask.nii.gz`;
    if (about.state === "failed") tell(language === "es" ? about.error : about.error_en);
    if (!about.shape || !news) return;
    if (view) view.update(volume(), VOLUME_TEXTS[language]);
    else view = brainView(part(".viewer"), volume(), VOLUME_TEXTS[language]);
    if (about.state === "done") announce(t("brain_done", number(about.volumes_ml.WT, 1)));
  }

  function volume() {
    const [asked, done] = [id, about.state === "done"];
    return {
      shape: about.shape,
      spacing_mm: about.spacing_mm,
      modalities: about.modalities,
      masks: [...(about.truth ? ["truth"] : []), ...(done ? ["prediction"] : []), ...(about.attention ? ["attention"] : [])],
      load: async (what) => volumeBytes((await askServer(`/brain/${asked}/${what}`)).body),
    };
  }

  function tell(text) {
    message.textContent = text;
    message.hidden = !text;
  }

  choice.addEventListener("change", guarded(() => open(choice.value)));
  segment.addEventListener("click", guarded(async () => {
    const asked = id;
    segment.hidden = true;
    show(asked, await serverSays(`/brain/${asked}/segment`, ""));
    await follow(asked);
  }));
  upload.addEventListener("change", guarded(async () => {
    const files = [...upload.files];
    upload.value = ""; // the same files may be chosen again
    if (!files.length) return;
    const { id: made } = await serverSays("/brain/new", "");
    for (const [i, file] of files.entries()) {
      progress.say("brain_uploading", i + 1, files.length);
      await serverSays(`/brain/${made}/file?name=${encodeURIComponent(file.name)}`, file);
    }
    const { name } = await serverSays(`/brain/${made}/segment`, "");
    choice.append(new Option(name, made, false, true));
    await open(made);
  }));
  list();
  return {
    speak() {
      view?.update(volume(), VOLUME_TEXTS[language]);
    },
  };
}
