"use strict";
// Every sentence of the page, in Spanish and in English, and numbers as each language writes them.

const TEXTS = {
  es: {
    language: "English",
    eyebrow: "Una red para probar",
    loading: "Cargando la red…",
    thinking: "Pensando…",
    no_answer: "La red no contestó: {0}",
    no_server: "El servidor no contesta. ¿Sigue abierta la terminal que abrió esta página?",
    not_opened: "La red no se pudo abrir: {0}",
    differs:
      "Esta página no contesta como Keras: en {0} de {1} pruebas su respuesta es otra. No te fíes de lo que diga aquí, y ábrela en otro navegador.",
    made_up:
      "Datos inventados. Esta red se entrenó con datos que hizo un programa: lo que conteste no dice nada sobre datos reales.",
    medical:
      "No es un dispositivo médico. Es un ejercicio de un curso: no sirve para diagnosticar ni para decidir nada sobre la salud de una persona.",
    about: "Sobre esta red",
    about_name: "Red",
    about_parameters: "Parámetros",
    about_data: "Datos",
    about_licence: "Licencia",
    about_score: "Puntaje",
    about_created: "Entrenada",
    about_where: "Dónde contesta",
    where_file: "en esta página, sin internet: nada de lo que hagas sale de tu equipo",
    where_server: "Keras, en el servidor que abrió esta página",
    score_accuracy: "acierta {0} en la parte de prueba",
    score_accuracy_n: "acierta {0} de {1} ejemplos de prueba",
    score_mae: "se equivoca en promedio en {0}",
    score_mae_n: "se equivoca en promedio en {0}, con {1} ejemplos de prueba",
    no_score: "no trae: no se sabe cuánto acierta",

    title_digits: "Dibuja un dígito",
    title_draw: "Dibuja",
    title_signs: "Muestra una letra con la mano",
    title_pictures: "Muestra una foto",
    title_houses: "¿Cuánto vale una casa?",
    title_brains: "Recorre un cerebro",

    answer: "Respuesta de la red",
    no_drawing: "Dibuja en el cuadro blanco.",
    sees: "Lo que ve la red",
    sees_label: "La imagen de {0}×{1} píxeles que recibe la red",
    said: "Parece {0}, con {1}.",
    threshold_reached: "La probabilidad de {0}, {1}, alcanza el umbral de {2}.",
    threshold_missed: "La probabilidad de {0}, {1}, no alcanza el umbral de {2}.",
    all_answers: "Todas las respuestas",
    class: "Clase",
    probability: "Probabilidad",
    heat: "Dónde mira",
    heat_none: "no mostrar",
    heat_grad_cam: "Grad-CAM",
    heat_occlusion: "tapando partes",
    heat_hint: "Más color: esa parte pesó más en la respuesta.",

    canvas:
      "Lienzo. Se dibuja con el dedo, el lápiz o el ratón; con el teclado, las flechas mueven el lápiz y la barra espaciadora lo baja o lo levanta.",
    undo: "Deshacer",
    reset: "Borrar",
    white: "Goma",
    stroke: "Trazo",
    thinner: "Más fino",
    thicker: "Más grueso",
    preprocessing: "Preprocesamiento",
    preprocessing_on:
      "El dibujo se recorta, se lleva a 20×20 píxeles y se centra por su masa: así se hizo MNIST.",
    preprocessing_off:
      "El lienzo entero se achica a 28×28. La red aprendió con dígitos centrados: prueba en una esquina.",
    upload: "Subir una foto",
    upload_hint: "Una foto pasa siempre por el preprocesamiento.",
    pen_down: "Lápiz abajo.",
    pen_up: "Lápiz arriba.",
    cleared: "Lienzo vacío.",
    keys: "Con el teclado, estando en el lienzo: flechas y espacio dibujan, Z deshace, X borra, G es la goma, + y − el grosor.",

    camera_on: "Usar la cámara",
    camera_off: "Parar",
    camera_refused: "El navegador no dio permiso para usar la cámara. Sube una foto.",
    camera_missing: "Aquí no hay una cámara que esta página pueda usar. Sube una foto.",
    frame_label: "La foto; la red recibe solo el cuadrado del medio",
    frame_empty: "Usa la cámara o sube una foto. La red recibe el cuadrado del medio.",
    frame_label_whole: "La foto; la red la recibe entera, reducida",
    frame_empty_whole: "Usa la cámara o sube una foto. La red la recibe entera, reducida.",
    likeliest: "Las tres más probables",
    wild_signs:
      "No te fíes mucho: la red aprendió con fotos de unas pocas manos, recortadas y de fondo liso. Con tu mano, tu luz y tu fondo falla muy a menudo, también cuando dice estar segura.",
    wild_pictures:
      "No te fíes mucho: con otra luz, otro fondo u otra cámara que en sus datos, una red así falla más que en su prueba, también cuando dice estar segura.",
    j_and_z: "La J y la Z no están: se hacen con un movimiento, y una foto no lo muestra.",

    price: "Precio que calcula la red",
    dollars: "{0} dólares",
    seen: "en el entrenamiento: {0} a {1}",
    outside: "Fuera de lo que la red vio al entrenarse: {0}. Ahí no le creas.",
    value_of: "{0}, valor exacto",
    reset_houses: "Volver a la casa del medio",
    houses_hint: "Mueve un valor y mira qué cambia. La parte azul es lo que la red vio al entrenarse.",
    column_longitude: "Longitud (grados)",
    column_latitude: "Latitud (grados)",
    column_housing_median_age: "Antigüedad de las casas (años)",
    column_total_rooms: "Habitaciones del distrito",
    column_total_bedrooms: "Dormitorios del distrito",
    column_population: "Habitantes del distrito",
    column_households: "Hogares del distrito",
    column_median_income: "Ingreso por hogar (decenas de miles de dólares al año)",
    column_ocean_proximity: "Cercanía al mar",
    "word_<1H OCEAN": "a menos de una hora del mar",
    word_INLAND: "tierra adentro",
    word_ISLAND: "isla",
    "word_NEAR BAY": "cerca de la bahía",
    "word_NEAR OCEAN": "cerca del mar",

    brain_case: "Caso",
    brain_upload: "Subir un caso",
    brain_upload_hint:
      "Un caso son sus archivos NIfTI, todos a la vez y con los nombres de BraTS, como BraTS20_Training_001_flair.nii.gz; si viene también la máscara (_seg), se mide el Dice.",
    brain_segment: "Segmentar con la red",
    brain_download: "Descargar la máscara",
    brain_opening: "Abriendo el caso…",
    brain_uploading: "Subiendo el archivo {0} de {1}…",
    brain_working: "La red recorre el cerebro…",
    brain_done: "La red terminó. Tumor completo: {0} ml.",

    not_a_picture: "Ese archivo no es una imagen que el navegador pueda leer. Sube un PNG o un JPG.",
    picture_too_small: "La imagen tiene {0}×{1} píxeles. Se esperaban al menos 8×8.",
    picture_too_large: "La imagen tiene {0}×{1} píxeles. Se esperaban como máximo 64 millones.",
    one_gray:
      "La foto es casi de un solo gris: entre lo más claro y lo más oscuro hay {0} de 255 niveles. Toma otra, con más luz y con el objeto en el centro.",
    no_ink:
      "La imagen parece vacía: lo que más se distingue del papel son {0} de 255 niveles de gris, y se esperaban más de {1}. Dibuja o fotografía un solo dígito, con un trazo más marcado o más luz.",
    nothing_inside:
      "No se ve un dígito dentro de la imagen: lo que hay llega hasta su borde o es muy pequeño, como un punto suelto. Dibuja o fotografía un solo dígito, más de cerca, con un margen despejado alrededor.",
    several_things:
      "En la imagen hay {0} cosas separadas. Recórtala alrededor de un solo dígito, con un margen despejado.",
    a_blot:
      "En la imagen hay una mancha o una sombra, no un trazo. Dibuja o fotografía un solo dígito, con un margen despejado alrededor.",
  },
  en: {
    language: "Español",
    eyebrow: "A network to play with",
    loading: "Loading the network…",
    thinking: "Thinking…",
    no_answer: "The network did not answer: {0}",
    no_server: "The server does not answer. Is the terminal that opened this page still open?",
    not_opened: "The network could not be opened: {0}",
    differs:
      "This page does not answer as Keras does: in {0} of {1} checks its answer differs. Do not trust what it says here; open it in another browser.",
    made_up:
      "Made-up data. This network was trained on data that a program made: what it answers says nothing about real data.",
    medical:
      "Not a medical device. This is a course's exercise: it is no use for diagnosis, nor for deciding anything about a person's health.",
    about: "About this network",
    about_name: "Network",
    about_parameters: "Parameters",
    about_data: "Data",
    about_licence: "Licence",
    about_score: "Score",
    about_created: "Trained",
    about_where: "Where it answers",
    where_file: "in this page, without internet: nothing that you do leaves your device",
    where_server: "Keras, on the server that opened this page",
    score_accuracy: "right in {0} of the test part",
    score_accuracy_n: "right in {0} of {1} test examples",
    score_mae: "off by {0} on average",
    score_mae_n: "off by {0} on average, over {1} test examples",
    no_score: "none: nobody knows how often it is right",

    title_digits: "Draw a digit",
    title_draw: "Draw",
    title_signs: "Show a letter with your hand",
    title_pictures: "Show a photograph",
    title_houses: "What is a house worth?",
    title_brains: "Walk through a brain",

    answer: "The network's answer",
    no_drawing: "Draw on the white square.",
    sees: "What the network sees",
    sees_label: "The picture of {0}×{1} pixels that the network is given",
    said: "It looks like {0}, with {1}.",
    threshold_reached: "The probability of {0}, {1}, reaches the threshold of {2}.",
    threshold_missed: "The probability of {0}, {1}, does not reach the threshold of {2}.",
    all_answers: "All answers",
    class: "Class",
    probability: "Probability",
    heat: "Where it looks",
    heat_none: "do not show",
    heat_grad_cam: "Grad-CAM",
    heat_occlusion: "covering parts",
    heat_hint: "More colour: that part weighed more in the answer.",

    canvas:
      "Canvas. Draw with a finger, a stylus or the mouse; with the keyboard, arrows move the pen and the space bar lowers or lifts it.",
    undo: "Undo",
    reset: "Clear",
    white: "Eraser",
    stroke: "Stroke",
    thinner: "Thinner",
    thicker: "Thicker",
    preprocessing: "Preprocessing",
    preprocessing_on:
      "The drawing is cropped, brought to 20×20 pixels and centred by its mass: that is how MNIST was made.",
    preprocessing_off:
      "The whole canvas is shrunk to 28×28. The network learned from centred digits: try a corner.",
    upload: "Upload a photo",
    upload_hint: "A photo always goes through the preprocessing.",
    pen_down: "Pen down.",
    pen_up: "Pen up.",
    cleared: "The canvas is empty.",
    keys: "By keyboard, on the canvas: arrows and space draw, Z undoes, X clears, G is the eraser, + and − the stroke's width.",

    camera_on: "Use the camera",
    camera_off: "Stop",
    camera_refused: "The browser gave no permission to use the camera. Upload a photo.",
    camera_missing: "There is no camera here that this page can use. Upload a photo.",
    frame_label: "The photo; the network is given only the square in the middle",
    frame_empty: "Use the camera or upload a photo. The network is given the square in the middle.",
    frame_label_whole: "The photo; the network is given all of it, shrunk",
    frame_empty_whole: "Use the camera or upload a photo. The network is given all of it, shrunk.",
    likeliest: "The three likeliest",
    wild_signs:
      "Do not trust it much: the network learned from photos of a few hands, cropped and on a plain background. With your hand, your light and your background it fails very often, also when it says that it is sure.",
    wild_pictures:
      "Do not trust it much: with other light, another background or another camera than in its data such a network fails more often than in its test, also when it says that it is sure.",
    j_and_z: "J and Z are missing: they are movements, and a photo does not show one.",

    price: "The price that the network works out",
    dollars: "{0} dollars",
    seen: "in training: {0} to {1}",
    outside: "Outside what the network saw in training: {0}. Do not believe it there.",
    value_of: "{0}, exact value",
    reset_houses: "Back to the middle house",
    houses_hint: "Move a value and see what changes. The blue part is what the network saw in training.",
    column_longitude: "Longitude (degrees)",
    column_latitude: "Latitude (degrees)",
    column_housing_median_age: "Age of the houses (years)",
    column_total_rooms: "Rooms in the district",
    column_total_bedrooms: "Bedrooms in the district",
    column_population: "People in the district",
    column_households: "Households in the district",
    column_median_income: "Income per household (tens of thousands of dollars a year)",
    column_ocean_proximity: "How near the sea",
    "word_<1H OCEAN": "less than an hour from the sea",
    word_INLAND: "inland",
    word_ISLAND: "island",
    "word_NEAR BAY": "near the bay",
    "word_NEAR OCEAN": "near the sea",

    brain_case: "Case",
    brain_upload: "Upload a case",
    brain_upload_hint:
      "A case is its NIfTI files, all at once and with BraTS' names, such as BraTS20_Training_001_flair.nii.gz; if its mask (_seg) comes too, Dice is measured.",
    brain_segment: "Segment it with the network",
    brain_download: "Download the mask",
    brain_opening: "Opening the case…",
    brain_uploading: "Uploading file {0} of {1}…",
    brain_working: "The network goes through the brain…",
    brain_done: "The network has finished. Whole tumour: {0} ml.",

    not_a_picture: "That file is no picture that the browser can read. Upload a PNG or a JPG.",
    picture_too_small: "The picture has {0}×{1} pixels. Expected at least 8×8.",
    picture_too_large: "The picture has {0}×{1} pixels. Expected at most 64 million.",
    one_gray:
      "The photo is almost of one grey: between its lightest and its darkest there are {0} of 255 levels. Take another, with more light and the object in the middle.",
    no_ink:
      "The picture looks empty: what stands out most from the paper is {0} of 255 grey levels, and more than {1} were expected. Draw or photograph a single digit, with a stronger line or more light.",
    nothing_inside:
      "No digit is to be seen inside the picture: what there is reaches its border or is very small, like a dot. Draw or photograph a single digit, from nearer, with a clear margin around it.",
    several_things:
      "There are {0} separate things in the picture. Crop it around a single digit, with a clear margin.",
    a_blot:
      "There is a blot or a shadow in the picture, no stroke. Draw or photograph a single digit, with a clear margin around it.",
  },
};

let language = navigator.language.toLowerCase().startsWith("es") ? "es" : "en";

// A sentence in the page's language, its {0}, {1} filled in.
function t(key, ...values) {
  return TEXTS[language][key].replace(/\{(\d)\}/g, (_, i) => values[i]);
}

// A sentence for a name that comes from the network's card, or the name itself.
function named(kind, name) {
  return TEXTS[language][`${kind}_${name}`] ?? name;
}

// Write every text of a part of the page that stands in its HTML.
function speak(root) {
  for (const element of root.querySelectorAll("[data-t]")) {
    element.textContent = t(element.dataset.t);
  }
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  }
}

// 20 640 and 0,8 in Spanish; 20,640 and 0.8 in English.
function number(value, decimals = 2) {
  let [whole, fraction] = value.toFixed(decimals).replace(/^-(0(\.0*)?)$/, "$1").split(".");
  const [comma, point] = language === "es" ? ["\u00a0", ","] : [",", "."];
  if (whole.replace("-", "").length > 4) whole = whole.replace(/\B(?=(\d{3})+$)/g, comma);
  return fraction ? whole + point + fraction : whole;
}

// Never rounded up to 100 % nor down to 0 %: what is nearly so gets more decimals.
function percent(fraction, decimals = 1) {
  if (fraction === 0 || fraction === 1) decimals = 0;
  const close = () => ["0", "100"].includes(String(Number((100 * fraction).toFixed(decimals))));
  while (decimals < 12 && fraction > 0 && fraction < 1 && close()) decimals++;
  return number(100 * fraction, decimals) + (language === "es" ? "\u00a0%" : "%");
}
