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
# # Taller 5b · Detectar: qué hay, y dónde
#
# **Meta.** La otra tarea de las diapositivas de medicina: *detectar*, decir qué hay y dónde, como
# Ribli y otros (2018) con mamografías. Con la CNN que ya conoces: primero dígitos esparcidos en un
# lienzo, donde se ve todo; después tumores en cortes de cerebros.
#
# **Qué esperar.** Con `--source sample` (dígitos de scikit-learn, sin descargar nada), en medio
# minuto con 2 núcleos de CPU: precisión y exhaustividad de 94 % a 97 % en los lienzos de prueba.
# Con MNIST, 94 % y 94 % en una corrida.
#
# **Lo que no es.** Los cerebros de este taller los inventa el programa, también con MNIST. No hay
# pacientes, y ninguna nota de aquí dice nada sobre medicina.

# %% [markdown]
# ## 1. Lo que importamos
#
# En tu computador el paquete se instala antes (`pip install -e .`, en su carpeta); en Kaggle y en
# Colab lo trae la primera celda.

# %%
import keras
import numpy as np

from course import figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import brats, catalog, mnist, splits
from course.datasets.batches import Batches
from course.datasets.catalog import origin
from course.datasets.samples import canvases
from course.evaluation import evaluate_classifier
from course.exercises import ejercicio
from course.export import export
from course.inference import detection
from course.models import cnn
from course.spanish import percent
from course.training import Setting, alone, callbacks, resume, run_dir, set_seed, settings
from course.training.devices import all_devices

# %% [markdown]
# ## 2. Ajustes
#
# `brains` dice cuántos cerebros se inventan: la primera vez toma unos segundos cada uno, y después
# quedan guardados. Desde un cuaderno, la muestra es `source="sample"`.

# %%
s = settings(
    epochs=8,
    batch_size=64,
    learning_rate=3e-3,
    brains=Setting(12, "cerebros inventados para detectar tumores", least=2),
)
set_seed(s.seed)
run = run_dir("taller5b_deteccion", s)

# %% [markdown]
# ## 3. Dígitos en un lienzo
#
# En una detección la respuesta es una lista de **cajas**, cada una con su clase y su
# probabilidad. Esparcimos dígitos sobre lienzos con ruido, y de los lienzos cortamos ventanas de
# 30×30 para entrenar: unas con un dígito, algo corrido, y otras sin ninguno. La clase 10 es el
# *fondo*. Los lienzos de prueba se hacen solo con dígitos de prueba.

# %%
(d_train, t_train), (d_test, t_test) = mnist.load_data(s.source)
d_train, t_train, d_test, t_test = (a[: s.limit] for a in (d_train, t_train, d_test, t_test))
data, names = origin("mnist", s.source), [*mnist.CLASS_NAMES, "fondo"]
nothing = names.index("fondo")

train, val = splits.stratified(t_train, fraction=0.1, seed=s.seed)
x, y = canvases.windows(
    *canvases.scatter(d_train[train], t_train[train], 500, seed=s.seed), nothing, seed=s.seed
)
x_val, y_val = canvases.windows(
    *canvases.scatter(d_train[val], t_train[val], 50, seed=s.seed + 1), nothing, seed=s.seed
)
scenes, frames, digits = canvases.scatter(d_test, t_test, 60, seed=s.seed + 2)

figure = figures.samples(x, y, names, title=f"Ventanas para entrenar — {data.title}")
figures.show(figure, run / "figures" / "ventanas.png")

# %% [markdown]
# ## 4. Entrenar con ventanas, mirar el lienzo entero
#
# La `cnn` del Taller 2, con tres niveles y sin relleno (`padding="valid"`): así lo que ve en una
# ventana no depende de dónde termina la imagen. La ventana mide 30 y no 28 por una razón: cada
# convolución le quita 2 píxeles y cada *max-pooling* la parte en dos, y 30, 28, 14, 12, 6, 4, 2
# nunca deja una fila sobrante. Con 28 sobraría una en 11 y otra en 3, y la red no vería el borde.
# Pasar la red por cada ventana de un lienzo repetiría casi las mismas cuentas muchas veces. En
# cambio, aplanar y conectar todo es **una convolución** tan grande como los últimos mapas:
# `fully_convolutional` cambia esas capas, con los mismos pesos, y la red lee el lienzo de una
# vez. El resultado es un mapa de calor que coincide, ventana por ventana, con la red original.


# %%
def detector(classes):
    shape, loss = (canvases.WINDOW, canvases.WINDOW, 1), "sparse_categorical_crossentropy"
    network = cnn(shape, classes, filters=(16, 32, 64), dropout=0.1, padding="valid")
    network.compile(keras.optimizers.Adam(s.learning_rate), loss, metrics=["accuracy"])
    return network


with all_devices(batch_size=s.batch_size):  # con varias GPU, cada una aprende de una parte
    model = detector(len(names))
batches = Batches(x[..., None], y, s.batch_size, s.seed)
model.fit(
    batches,
    validation_data=Batches(x_val[..., None], y_val, s.batch_size, s.seed),
    initial_epoch=resume(model, run),
    epochs=s.epochs,
    callbacks=callbacks(run, batches, seed=s.seed),
)
model = alone(model)  # con varios procesos, los demás terminan aquí
heat, window, stride = detection.fully_convolutional(model)
maps = heat.predict(scenes[..., None], verbose=0)
print(f"Lienzo de {scenes[0].shape} píxeles, mapa de {maps[0].shape[:2]}, un paso de {stride}")

# %% [markdown]
# ## 5. De un mapa de calor a cajas
#
# Un dígito enciende varias ventanas vecinas. La **supresión de no máximos** deja la más segura y
# quita las que se le superponen; cuánto se superponen dos cajas lo dice la **IoU**: lo que
# comparten dividido por lo que cubren juntas.


# %%
def find(heat_map, nothing, least=0.5):
    boxes, scores, classes = detection.boxes_of_map(heat_map, window, stride, nothing, least)
    kept = detection.non_maximum_suppression(boxes, scores, threshold=0.3)
    return boxes[kept], scores[kept], classes[kept]


before, _, _ = detection.boxes_of_map(maps[0], window, stride, nothing)
after = [
    (box, f"{names[c]} · {percent(min(p, 0.99), 0)}")
    for box, p, c in zip(*find(maps[0], nothing), strict=True)
]
figure = figures.suppression(
    scenes[0],
    1 - maps[0][..., nothing],
    before,
    after,
    frames[0],
    title=f"Lo que la red encuentra en un lienzo — {data.title}",
)
figures.show(figure, run / "figures" / "cajas.png")

# %% [markdown]
# **Ejercicio 5b.1. La IoU de dos cajas.** Escribe `box_iou(a, b)`: lo que comparten dos cajas,
# dividido por lo que cubren juntas. Una caja es (arriba, izquierda, abajo, derecha) en píxeles, y
# se corta con imagen[arriba:abajo, izquierda:derecha], de modo que su alto es abajo - arriba. Las
# cajas que no se tocan dan 0.


# %% tags=["ejercicio"]
def box_iou(a, b):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5b.1").comprobar(box_iou)

# %% [markdown]
# **Ejercicio 5b.2. Supresión de no máximos.** Escribe `suppress(overlaps, scores, threshold)`: los
# índices de las cajas que quedan, de la más segura a la menos. `scores` es la probabilidad de
# cada caja y `overlaps[i, j]` la IoU de las cajas i y j. Queda la más segura y se quitan las que
# tienen con ella una IoU mayor que `threshold`; después, lo mismo con las que aún están, hasta
# que no haya más.


# %% tags=["ejercicio"]
def suppress(overlaps, scores, threshold):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5b.2").comprobar(suppress)

# %% [markdown]
# ## 6. Tumores en cortes de un cerebro
#
# El mismo detector, con otra cosa que buscar: cortes de FLAIR por un tumor, y de la máscara del
# Taller 4 sale la caja. Los cerebros de prueba no están entre los de entrenar. La ventana mide
# siempre 30 y los tumores no, así que aquí basta con una IoU de 0,3. Este aprende en un solo
# dispositivo, aunque haya varios.

# %%
cases = brats.open_cases("sample", n=s.brains, modalities=["flair"])
learnt, held_out = (canvases.brain_slices(part) for part in brats.split(cases, 0.25, seed=s.seed))
x_brain, y_brain = canvases.windows(*learnt, 1, empty=10, seed=s.seed)
slices, tumours, kinds = held_out
tumour_model = detector(2)
tumour_model.fit(Batches(x_brain[..., None], y_brain, 32, s.seed), epochs=s.epochs, verbose=2)
brain_maps = detection.fully_convolutional(tumour_model)[0].predict(slices[..., None], verbose=0)

# %% [markdown]
# ## 7. Qué aprendió
#
# Cada umbral da una precisión y una exhaustividad. **Precisión**: de lo que encontró, cuánto es
# correcto. **Exhaustividad** (*recall*): de lo que había, cuánto encontró; en medicina se llama
# sensibilidad. Una caja es correcta si su clase lo es y su IoU con la verdadera llega a 0,5 (0,3
# los tumores); dos cajas sobre el mismo dígito cuentan como un acierto y un error. El punto de cada
# curva es el umbral de 0,5.

# %%
brains = catalog.get("brats2020").sample.title
curves = {}
for name, all_maps, truth, empty, enough in (
    ("dígitos, IoU desde 0,5", maps, (frames, digits), nothing, 0.5),
    ("tumores, IoU desde 0,3", brain_maps, (tumours, kinds), 1, 0.3),
):
    found = [find(heat_map, empty, least=0.1) for heat_map in all_maps]
    scores, right = detection.match_all(found, list(zip(*truth, strict=True)), enough)
    there, sure = sum(map(len, truth[0])), scores >= 0.5
    chosen = detection.precision_recall(int(right[sure].sum()), int(sure.sum()), there)
    curves[name] = *detection.precision_recall_curve(scores, right, there)[:2], chosen
    precision, recall = (percent(share or 0, 1) for share in chosen)
    print(f"{name}: de {there}, {sure.sum()} cajas, {right[sure].sum()} correctas")
    print(f"  precisión {precision}, exhaustividad {recall}")
figure = figures.precision_recall(curves, title=f"Con cada umbral — {data.title}; {brains}")
figures.show(figure, run / "figures" / "umbrales.png")

# %% [markdown]
# Encuentra casi todos los tumores (en una corrida, 32 de 36), pero con el doble de cajas: nueve
# cabezas son pocas para aprender, y en las nuevas señala también tejido sano. Y si un tumor es más
# grande que la ventana, lo parte en dos cajas, de las que a lo más una cuenta como acierto. Un
# detector de verdad aprende también el tamaño de la caja.

# %%
rows = np.linspace(0, len(slices) - 1, 8).round().astype(int)
found = [
    [(box, percent(min(p, 0.99), 0)) for box, p, _ in zip(*find(brain_maps[i], 1), strict=True)]
    for i in rows
]
figure = figures.detections(
    slices[rows], found, [tumours[i] for i in rows], title=f"Tumores encontrados — {brains}"
)
figures.show(figure, run / "figures" / "tumores.png")

# %% [markdown]
# **Ejercicio 5b.3. Precisión y exhaustividad según el umbral.** Escribe `scores_at(threshold,
# scores, matched, there)`, que devuelve la precisión y la exhaustividad si solo se toman las
# cajas con probabilidad `threshold` o más. `scores` es la probabilidad de cada caja encontrada y
# `matched` el índice del objeto verdadero que le corresponde, o -1 si es falsa; `there`, cuántos
# objetos verdaderos había.


# %% tags=["ejercicio"]
def scores_at(threshold, scores, matched, there):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5b.3").comprobar(scores_at)

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 5b.4. Mover el umbral.** Un detector marca lo que tiene una probabilidad de 0,5 o más.
# Si subes el umbral a 0,8, ¿qué puede pasar con la exhaustividad?
#
# a) Solo subir.
#
# b) Subir o bajar.
#
# c) Bajar o quedar igual.

# %% tags=["ejercicio"]
ejercicio("5b.4").comprobar(...)

# %% [markdown]
# **Ejercicio 5b.5. Dos cajas, un tumor.** Un detector deja dos cajas sobre el mismo tumor, y las
# dos se le superponen bastante. ¿Cómo se cuentan?
#
# a) Dos aciertos.
#
# b) Un acierto y un error.
#
# c) Dos errores.

# %% tags=["ejercicio"]
ejercicio("5b.5").comprobar(...)

# %% [markdown]
# **Ejercicio 5b.6. Lo que no se puede contar.** Al clasificar se habla de especificidad: de los
# sanos, a cuántos se deja en paz. ¿Por qué al detectar se usa la precisión en su lugar?
#
# a) Porque un detector no da falsas alarmas.
#
# b) Porque son lo mismo con otro nombre.
#
# c) Porque lo bien rechazado no se puede contar: cajas sin nada hay tantas como uno quiera.

# %% tags=["ejercicio"]
ejercicio("5b.6").comprobar(...)

# %% [markdown]
# ## 8. Cuánto acierta y dónde falla
#
# El informe juzga a la red de los dígitos como clasificador de dígitos centrados de 28×28, con un
# píxel de fondo alrededor: compara su nota con la precisión y la exhaustividad de arriba.

# %%
centred = keras.Sequential(
    [keras.Input((28, 28, 1)), keras.layers.ZeroPadding2D(1), model], name="digitos"
)
report = evaluate_classifier(centred, d_test, t_test, class_names=names, origin=data)
export(centred, run, card=report.card(preparation="digit", seed=s.seed))
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 9. Para probar
#
# 1. En `scores >= 0.5`, cambia el umbral por 0,2 y por 0,9. ¿Dónde cae el punto en la curva? ¿Con
#    qué lienzos debes elegir el umbral?
# 2. Quita la supresión de no máximos. ¿Cuál de las dos notas se hunde, y por qué solo esa?
# 3. Entrena con `shift=0` en `canvases.windows`. El mapa avanza de 8 en 8 píxeles: ¿qué dígitos
#    se pierden ahora?
# 4. Un sistema que ayuda a leer mamografías marca zonas sospechosas. ¿Qué error es más grave
#    allí, una caja de más o una de menos? ¿Qué umbral pedirías, y a quién le preguntarías?
