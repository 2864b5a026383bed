"use strict";
// Show a photograph, by camera or upload: letters of a sign language, or anything else.

const SHADE = "rgb(0 0 0 / 60%)"; // over what the network is not given
const WIDEST = 800; // pixels of the photograph on the page

function photosView(root, network, setup) {
  const part = unfold(root, "photos");
  const likeliest = Math.min(3, setup.card.class_names.length);
  const panel = answerPanel(part, network, setup, likeliest);
  const [canvas, video] = [".frame", "video"].map(part);
  const [height, width] = setup.card.inputs[0].shape;
  const whole = setup.card.preparation === "square";
  let photo = null; // what is shown: an uploaded picture, the camera's video or its last frame
  let picture = null; // what the network is given
  let camera = null; // the stream, while it runs

  function paint(heat) {
    const size = { width: photo.videoWidth || photo.width, height: photo.videoHeight || photo.height };
    const scale = Math.min(1, WIDEST / size.width);
    [canvas.width, canvas.height] = [Math.round(scale * size.width), Math.round(scale * size.height)];
    const context = canvas.getContext("2d");
    const box = whole ? squareAround(canvas) : middleOf(canvas, height, width);
    const cut = [box.left, box.top, box.width, box.height];
    context.drawImage(photo, 0, 0, canvas.width, canvas.height);
    if (heat) context.drawImage(heat, ...cut);
    context.fillStyle = SHADE;
    context.beginPath();
    context.rect(0, 0, canvas.width, canvas.height);
    context.rect(...cut);
    context.fill("evenodd");
    part(".empty").hidden = true;
  }

  const ask = latest(async () => {
    try {
      if (camera) picture = prepared(video, setup.card);
    } catch (error) {
      return panel.tell(error.message); // nothing but one grey, say
    }
    const asked = picture;
    if (!asked) return;
    panel.see(asked);
    const best = await panel.ask(asked);
    if (best === null || camera || asked !== picture) return;
    const heat = await panel.heat(asked, best).catch((error) => panel.tell(error.message));
    if (asked === picture && !camera) paint(heat);
  });

  // ---- the camera

  async function startCamera() {
    if (!navigator.mediaDevices?.getUserMedia) return panel.tell(t("camera_missing"));
    const wanted = { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } };
    try {
      camera = await navigator.mediaDevices.getUserMedia({ video: wanted });
      video.srcObject = camera;
      await video.play();
    } catch (error) {
      stopCamera();
      return panel.tell(t(error.name === "NotAllowedError" ? "camera_refused" : "camera_missing"));
    }
    panel.tell("");
    nameButton();
    follow();
  }

  // Each frame is shown; as many are asked about as the network answers.
  function follow() {
    if (!camera) return;
    photo = video;
    paint();
    ask();
    requestAnimationFrame(follow);
  }

  // The last frame stays, on the page and with the network.
  async function stopCamera() {
    if (camera && photo === video) photo = await createImageBitmap(video);
    camera?.getTracks().forEach((track) => track.stop());
    camera = null;
    nameButton();
    if (photo) ask();
  }

  function nameButton() {
    part(".camera").textContent = t(camera ? "camera_off" : "camera_on");
  }

  part(".camera").addEventListener("click", () => (camera ? stopCamera() : startCamera()));
  part(".upload").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = ""; // the same file may be chosen again
    if (!file) return;
    try {
      const [made, bitmap] = [await network.prepare(file), await openPicture(file)];
      if (camera) await stopCamera();
      [picture, photo] = [made, bitmap];
      panel.tell("");
      paint();
      ask();
    } catch (error) {
      panel.tell(error.message);
    }
  });
  panel.choice.addEventListener("change", () => {
    if (photo) paint();
    ask();
  });

  if (whole) {
    [part(".empty").dataset.t, canvas.dataset.tLabel] = ["frame_empty_whole", "frame_label_whole"];
  }
  if (setup.card.class_names.length <= likeliest) {
    for (const title of root.querySelectorAll("[data-t=likeliest]")) title.dataset.t = "all_answers";
  }
  part(".j-and-z").hidden = setup.view !== "signs";
  panel.see({ pixels: new Uint8Array(height * width), height, width });
  return {
    speak() {
      nameButton();
      part(".wild").textContent = t(`wild_${setup.view}`);
      panel.speak();
    },
  };
}
