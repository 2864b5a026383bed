# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Taller 6 · Tu proyecto
#
# **Meta.** Una red para tus propias imágenes: mirarlas antes de entrenar, repartirlas sin trampas,
# entrenar una red que ya conoces y saber cuánto vale su nota.
#
# **Qué traes.** Una de estas tres cosas; tal cual, o en un zip:
#
# | lo que tienes | cómo lo ordenas |
# |---|---|
# | fotos de varias clases | una carpeta por clase: `hongos/boletus/…`, `hongos/níscalo/…` |
# | una tabla | un CSV con las columnas `archivo`, `etiqueta` y, si lo sabes, `paciente` |
# | imágenes y máscaras | las carpetas `imagenes` y `mascaras`, con los mismos nombres |
#
# Sirven PNG, JPG, WebP, BMP y TIFF, de cualquier tamaño, en grises o en color; y los nombres que
# tú uses, con tildes, espacios o emojis.
#
# **Qué esperar.** Sin imágenes tuyas, este taller usa una muestra: ocho señas dibujadas, en
# carpetas, en menos de un minuto con 2 núcleos de CPU. Con tres semillas acierta de 96 % a 100 %
# de unas 97 imágenes de prueba; como son solo 33 manos, el intervalo llega a empezar en 83 %. Con
# `--variant masks` la muestra son dígitos con su máscara, en menos de dos minutos: Dice 0,99; son
# fáciles. La nota de *tu* proyecto la dirás tú, con su intervalo.

# %% [markdown]
# ## 1. Lo que importamos
#
# Las redes son las de los Talleres 2, 4 y 5. `folders` lee, mira y reparte las imágenes. En tu
# computador el paquete se instala antes (`pip install -e .`, en su carpeta); en Kaggle y en Colab
# lo trae la primera celda.

# %%
import keras
import numpy as np

from course import explain, figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import folders
from course.datasets.batches import Batches
from course.evaluation import evaluate_classifier, evaluate_masks
from course.exercises import ejercicio
from course.export import export
from course.losses import DiceCrossentropy
from course.metrics import Dice
from course.models import cnn, transfer_classifier, unet
from course.spanish import count, number
from course.training import Setting, alone, callbacks, resume, run_dir, set_seed, settings
from course.training.devices import all_devices

# %% [markdown]
# ## 2. Ajustes
#
# `source` dice dónde están tus imágenes:
#
# - en tu computador, una carpeta o un zip: `--source ~/hongos`;
# - en Colab, una carpeta de Drive. Conéctalo antes en una celda, `from google.colab import drive;
#   drive.mount("/content/drive")`, y escribe `source="/content/drive/MyDrive/hongos"`;
# - en Kaggle, un conjunto tuyo: agrégalo con *Add Input* y escribe `source="usuario/nombre"`. Con
#   ese nombre también se descarga en cualquier otra parte.
#
# `size` es el lado al que se reducen, en píxeles: con el doble se ve más detalle y se tarda cuatro
# veces más. Si hay máscaras, la red es siempre la U-Net; si no, `network` elige.

# %%
s = settings(
    source=Setting("sample", "tu carpeta, tu zip o usuario/nombre (de Kaggle); o la muestra"),
    variant=Setting(None, "de la muestra: masks son dígitos con máscaras", ("masks",), kind=str),
    size=Setting(64, "lado al que se reducen las imágenes, en píxeles", (32, 64, 96, 128, 224)),
    color=Setting(True, "en color; en radiografías basta --no-color"),
    network=Setting("cnn", "la red que clasifica, cnn o transfer", ("cnn", "transfer")),
    backbone=Setting("MobileNetV2", "con transfer, la red que se toma prestada"),
    epochs=30,
    batch_size=16,
    learning_rate=1e-3,
)
set_seed(s.seed)
run = run_dir("taller6_proyecto", s)

# %% [markdown]
# ## 3. Mirar antes de entrenar
#
# Casi todo lo que sale mal en un proyecto se ve antes de entrenar: un archivo roto, una carpeta
# que no es una clase, la misma foto en dos clases, una clase con diez veces más fotos que otra.
# `read` las lee todas, las reduce una vez y busca eso; `datos.html` lo muestra con imágenes y dice
# qué hacer. Ábrelo antes de seguir.

# %%
record = folders.read(s.source, size=s.size, color=s.color, variant=s.variant)
segments, names = record.masks is not None, record.class_names
print(record)
print(f"Mira {folders.report(record, run / 'datos.html')} antes de entrenar.")
if record.origin.stands_in:
    print("Esta es la muestra. Con tus imágenes: --source CARPETA (o source=… en «Ajustes»).")

if segments:
    few = np.linspace(0, len(record) - 1, 4).astype(int)
    figure = figures.marked(
        record.images[few],
        {"máscara": record.masks[few, ..., 0]},
        names,
        [record.files[i] for i in few],
        title=f"Lo que marcan las máscaras — {record.origin.title}",
    )
else:
    figure = figures.samples(
        record.images, record.labels, names[:24], title=f"Las clases — {record.origin.title}"
    )
figures.show(figure, run / "figures" / "muestras.png")

# %% [markdown]
# ### ¿Cuántas hacen falta?
#
# Con 12 fotos de cada clase se aprende a usar el programa, no a confiar en la red: a la prueba le
# tocan dos o tres, y acertar tres de tres no prueba nada (lo calculas en el ejercicio 6.4). Con 50
# *distintas* por clase, una red prestada ya puede servir; una que parte de cero pide cientos.
# Distintas: diez fotos seguidas de un mismo hongo son una. Para las máscaras bastan menos
# imágenes, porque cada píxel enseña: hay resultados publicados con unas 20 retinas.
#
# **Ejercicio 6.1. Gemelas de gemelas.** Dos fotos casi iguales son gemelas, y no deben quedar una
# en el entrenamiento y otra en la prueba. Tampoco si el parecido pasa por una tercera: si la 0 se
# parece a la 1 y la 1 a la 2, van las tres juntas. Escribe `twin_groups(n, pairs)`: un número de
# grupo para cada una de las `n` imágenes, el mismo para las que van juntas y distinto para las
# demás. `pairs` es una lista de parejas de gemelas, y cada imagen sin gemela es un grupo. Qué
# números uses da lo mismo.


# %% tags=["ejercicio"]
def twin_groups(n, pairs):
    # Escribe aquí tu respuesta.
    ...


ejercicio("6.1").comprobar(twin_groups)

# %% [markdown]
# ## 4. Repartir: lo que va junto
#
# La trampa del Taller 3 espera en casi toda carpeta: ráfagas de fotos, recortes de una misma,
# varios exámenes de un paciente. `split` deja de un solo lado cada grupo de gemelas y cada
# paciente, pone todas las clases en cada parte, y sortea con `seed`. El reparto queda escrito en
# `split.csv`, archivo por archivo: con él, `python -m course evaluate` volverá a medir *esta* red
# con *estas* imágenes de prueba.
#
# Lo que el programa no puede saber es qué se parece sin ser gemelo: el mismo árbol en dos días, el
# mismo paciente sin nombre. Eso lo sabes tú: ponlo en la columna `paciente` de la tabla o, con
# máscaras, en una carpeta por paciente dentro de `imagenes`.

# %%
sides = folders.split(record, test=0.2, validation=0.1, seed=s.seed, limit=s.limit)
folders.save_split(sides, record, run / "split.csv")
train, validation, test = sides
for name, rows in zip(("entrenamiento", "validación", "prueba"), sides, strict=True):
    groups = count(len(np.unique(record.groups[rows])), "grupo", "grupos")
    print(f"{name:>13}: {count(len(rows), 'imagen', 'imágenes')}, {groups}")

# %% [markdown]
# **Ejercicio 6.2. Revisa un reparto.** Alguien te da un reparto ya hecho: `groups` dice de qué
# paciente es cada imagen, e `in_test` (verdadero o falso) si está en la prueba; las demás
# entrenan. Escribe `leaked(groups, in_test)`: de las imágenes de la *prueba*, la fracción cuyo
# paciente tiene también alguna imagen en el entrenamiento. En un reparto honesto es 0.


# %% tags=["ejercicio"]
def leaked(groups, in_test):
    # Escribe aquí tu respuesta.
    ...


ejercicio("6.2").comprobar(leaked)

# %% [markdown]
# ## 5. La red
#
# - **Con pocas imágenes distintas por clase**, una red prestada (`--network transfer`), como en el
#   Taller 5: congelada, solo aprende la última capa. Keras descarga sus pesos la primera vez; en
#   Kaggle, enciende *Internet*.
# - **Con cientos**, o si no se parecen a fotografías, la `cnn` del Taller 2. Deformarlas un poco
#   en cada época (solo para entrenar) es como tener más.
# - **Con máscaras**, la `unet` del Taller 4, en 2D: una clase para cada píxel. Hay proyectos así en
#   la **retina** (sus vasos, como en DRIVE), en la **piel** (el borde de un lunar, como en ISIC),
#   en la **tomografía** (un órgano en cada corte, como el hígado de LiTS) y en la **histología**
#   (glándulas o núcleos, como en GlaS y MoNuSeg). Dibujarlas es el trabajo: que lo haga quien
#   sabe, y que dos personas dibujen las mismas diez, para saber cuánto coinciden entre ellas.

# %%
shape, classes = record.images.shape[1:], len(names)
devices = all_devices(batch_size=s.batch_size)  # con varias GPU, cada una aprende de una parte
with devices:
    if segments:
        scale = keras.layers.Rescaling(1 / 255)
        body = unet(shape, classes, filters=(16, 32, 64))
        trainer = model = keras.Sequential([keras.Input(shape), scale, body], name="segmentadora")
        targets = np.eye(classes, dtype="uint8")[record.masks[..., 0]]  # un canal por clase
        loss, metric = DiceCrossentropy(), Dice(classes)
    else:
        if s.network == "transfer":
            model = transfer_classifier(shape, classes, backbone=s.backbone)
        else:
            model = cnn(shape, classes, filters=(16, 32, 64, 96))
        augmentation = [
            keras.layers.RandomRotation(0.04, fill_mode="nearest"),
            keras.layers.RandomZoom(0.1, 0.1, fill_mode="nearest"),
            keras.layers.RandomTranslation(0.08, 0.08, fill_mode="nearest"),
            keras.layers.RandomBrightness(0.15),
        ]
        trainer = keras.Sequential([keras.Input(shape), *augmentation, model], name="entrenamiento")
        targets = record.labels
        loss, metric = "sparse_categorical_crossentropy", "accuracy"
model.summary()

# %% [markdown]
# **Ejercicio 6.3. Que pese lo mismo cada clase.** De 90 fotos, 80 son de perros y 10 de gatos. Si
# todas pesan igual en la pérdida, a la red le conviene aprender perros. Se equilibra con un peso
# por clase: n / (k · n_c), con n imágenes en total, k clases y n_c imágenes de la clase. Escribe
# `class_weights(labels)`: un arreglo con el peso de cada clase, de la 0 a la última. En `labels`
# está la clase de cada imagen, y están todas.


# %% tags=["ejercicio"]
def class_weights(labels):
    # Escribe aquí tu respuesta.
    ...


ejercicio("6.3").comprobar(class_weights)

# %% [markdown]
# ## 6. Entrenar
#
# Si la clase mayor tiene más del triple de imágenes que la menor, `class_weight` las equilibra. Con
# máscaras no hace falta: la pérdida de Dice ya mira tamaños relativos.
#
# Con pocas imágenes una época son pocos pasos, y la validación tarda unos 50 en moverse, con
# máscaras unos 80: la normalización de cada capa necesita verlos. Después, si `val_loss` deja de
# bajar mientras `loss` baja, la red está memorizando. Ayudan más imágenes *distintas* o una red
# prestada; más épocas, no.

# %%
weights = None
if not segments:
    counts = np.maximum(np.bincount(record.labels[train], minlength=classes), 1)
    if counts.max() > 3 * counts.min():
        weights = dict(enumerate(len(train) / (classes * counts)))
        print("Pesos:", ", ".join(f"{names[c]} {number(w)}" for c, w in weights.items()))

batches = Batches(record.images, targets, s.batch_size, s.seed, rows=train)
with devices:
    trainer.compile(keras.optimizers.Adam(s.learning_rate), loss, metrics=[metric])
trainer.fit(
    batches,
    validation_data=Batches(record.images, targets, s.batch_size, s.seed, rows=validation),
    initial_epoch=resume(trainer, run),
    epochs=s.epochs,
    class_weight=weights,
    callbacks=callbacks(run, batches, seed=s.seed),
)
model = alone(model)  # con varios procesos, los demás terminan aquí

# %% [markdown]
# ## 7. Qué aprendió
#
# En imágenes de validación, que la red no vio. Si clasifica, en las cuatro de las que está menos
# segura: ¿dónde cae la probabilidad al tapar un pedazo? Si cae en el fondo, en una marca de agua o
# en una regla junto a la lesión, la red encontró un atajo, y en otro lugar no le servirá. Si
# segmenta: la verdad junto a la respuesta.

# %%
if segments:
    few = validation[np.linspace(0, len(validation) - 1, min(4, len(validation))).astype(int)]
    answers = model.predict(record.images[few], verbose=0).argmax(axis=-1)
    figure = figures.marked(
        record.images[few],
        {"verdad": record.masks[few, ..., 0], "respuesta": answers},
        names,
        [record.files[i] for i in few],
        title=f"Lo que marca la red — {record.origin.title}",
    )
else:
    probabilities = model.predict(record.images[validation], verbose=0)
    sure = probabilities[np.arange(len(validation)), record.labels[validation]]
    few = validation[sure.argsort()[:4]]
    patch = {"patch": s.size // 8, "stride": s.size // 16}
    figure = figures.occlusion(
        [record.images[i] for i in few],
        [explain.occlusion(model, record.images[i], record.labels[i], **patch) for i in few],
        [f"es {names[record.labels[i]]}" for i in few],
        title=f"Qué pasa si tapamos una parte — {record.origin.title}",
    )
figures.show(figure, run / "figures" / "aprendido.png")

# %% [markdown]
# **Ejercicio 6.4. Doce de doce.** La red acertó 12 de 12. ¿Acierta siempre? Con tan pocas imágenes
# casi no se sabe. El intervalo de Wilson dice, con 95 % de confianza, dónde puede estar su
# exactitud. Con p = aciertos / n y `z = 1.96`, su centro es (p + z² / 2n) / (1 + z² / n), y a cada
# lado mide z / (1 + z² / n) por la raíz de p (1 - p) / n + z² / 4n². Escribe `wilson(right, n)`,
# que devuelve los dos extremos, primero el menor.


# %% tags=["ejercicio"]
def wilson(right, n):
    # Escribe aquí tu respuesta.
    ...


ejercicio("6.4").comprobar(wilson)

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 6.5. Una foto de otra cosa.** Tu red distingue tres hongos, con 97 % de aciertos en la
# prueba. Le muestras un zapato y responde «champiñón, 99 %». ¿Qué pasó?
#
# a) La red está mal entrenada: debió dar un tercio a cada hongo.
#
# b) Solo puede elegir entre sus clases, y su probabilidad vale para imágenes como las del
# entrenamiento.
#
# c) El zapato se parece de verdad a un champiñón.

# %% tags=["ejercicio"]
ejercicio("6.5").comprobar(...)

# %% [markdown]
# **Ejercicio 6.6. La regla en la foto.** En tus fotos de piel casi todas las lesiones malignas
# traen una regla al lado: el médico la pone cuando algo le preocupa. La red acierta 95 % en la
# prueba. ¿Qué haces?
#
# a) Tapas la regla, o la recortas, y mides otra vez.
#
# b) Nada: la prueba no se usó para entrenar, y la nota vale.
#
# c) Entrenas más épocas, hasta que aprenda la piel.

# %% tags=["ejercicio"]
ejercicio("6.6").comprobar(...)

# %% [markdown]
# **Ejercicio 6.7. Dónde termina la lesión.** De 200 cortes de piel quieres saber *dónde* termina
# cada lesión, y cuánto mide. ¿Qué tienes que conseguir?
#
# a) Una carpeta de cortes con lesión y otra sin.
#
# b) Un CSV con el diámetro de cada lesión.
#
# c) De cada corte una máscara, del mismo tamaño, dibujada por quien sabe.

# %% tags=["ejercicio"]
ejercicio("6.7").comprobar(...)

# %% [markdown]
# ## 8. Cuánto acierta y dónde falla
#
# Las imágenes de prueba, una sola vez: quien prueba diez redes con ellas y se queda con la mejor ya
# no sabe cuánto acierta. Para elegir está la validación.
#
# Mira primero el intervalo, después la galería de errores. Y antes de creerle, piensa qué **no**
# dice la nota: cómo le irá con otra cámara, otra estación, otro hospital; con lo que no es ninguna
# de tus clases, que de todos modos recibirá una; con los detalles que se pierden al reducirlas. Si
# son imágenes de personas, antes de subirlas a cualquier parte hace falta su permiso. Y si son de
# medicina, esto es un ejercicio: ninguna nota de aquí es un diagnóstico.

# %%
about = {"class_names": names, "origin": record.origin, "groups": record.groups[test]}
if segments:
    report = evaluate_masks(
        model,
        record.images[test],
        record.masks[test],
        files=[record.files[i] for i in test],
        **about,
    )
else:
    report = evaluate_classifier(
        model,
        record.images[test],
        record.labels[test],
        group_noun=record.group_noun,
        **about,
    )
export(model, run, card=report.card(preparation="square", seed=s.seed))
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 9. Para probar
#
# 1. Pregúntale por una imagen nueva: `python -m course predict runs/taller6_proyecto foto.jpg
#    --keep respuestas` (en un cuaderno, con `!` delante). En `respuestas` queda lo que la red vio,
#    y con máscaras, también la suya.
# 2. Mídela otra vez: `python -m course evaluate runs/taller6_proyecto`. ¿Qué pasa si antes borras
#    o agregas una foto?
# 3. La muestra con máscaras: `--variant masks`. ¿En qué imágenes es peor el Dice?
# 4. Entrena con menos: `--limit 40` usa a lo más 40 imágenes de cada parte. ¿Cuánto baja la nota, y
#    cuánto se ensancha su intervalo?
# 5. Compara `--network transfer` con la `cnn` en tus imágenes. Decide con la validación.
# 6. Si clasifica, haz de ella una página que otra persona pueda abrir: `python -m course export
#    runs/taller6_proyecto --web pagina`, o `python -m course demo runs/taller6_proyecto`.
# 7. Si buscas una de dos clases, agrega `positive="su nombre"` en `evaluate_classifier`: el
#    informe dirá la sensibilidad y la especificidad.
