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
# # Taller 4 · Segmentar un tumor cerebral con una U-Net con atención
#
# **Meta.** Entrenar una red que pinta un tumor vóxel a vóxel sobre una resonancia magnética,
# medirla como en los concursos de BraTS (Dice por región y por caso) y mirar dónde pone la
# atención.
#
# **Segmentación semántica** es darle una etiqueta a cada píxel (aquí, a cada vóxel). Clasificar
# le da una a la imagen entera; detectar la rodea con una caja; segmentar dibuja el borde, y con
# él se mide un volumen. Es «semántica» porque todo lo de una misma clase lleva la misma etiqueta:
# dos focos del tumor no se distinguen entre sí.
#
# **Qué esperar.** Con `--source sample` (28 cerebros inventados por el programa, sin descargar
# nada), en unos 2 minutos con 2 núcleos de CPU y en casos que la red no vio: un Dice medio (0 es
# nada en común con la verdad; 1, lo mismo) de 0,91 a 0,94 para el tumor completo con cada una de
# tres semillas. Con BraTS 2020 en Kaggle no lo hemos medido todavía. Si algo promete más de 0,95,
# sospecha de la métrica: la sección 4 muestra por qué, y la 8 trae otras notas para comparar.

# %% [markdown]
# ## 1. Lo que importamos
#
# Keras pone las capas, `compile` y `fit`. El paquete `course` pone los casos, el constructor de
# la red, la pérdida, las figuras y el informe. En tu computador se instala antes (`pip install
# -e .`, en su carpeta); en Kaggle y en Colab lo trae la primera celda.
#
# La primera línea va antes que Keras a propósito: en los procesadores AMD, TensorFlow deja
# apagadas las rutinas rápidas de convolución (oneDNN) si nadie las pide, y en 3D son siete veces
# más rápidas.

# %%
import itertools
import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np

from course import explain, figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import brats
from course.datasets.brats.batches import Patches, Slices
from course.datasets.brats.prepared import prepare
from course.datasets.catalog import origin
from course.evaluation import evaluate_segmenter
from course.exercises import ejercicio
from course.export import export
from course.inference import choose_least_et_ml
from course.losses import DiceCrossentropy
from course.metrics import Dice, dice_score, largest_slice
from course.models import unet
from course.regions import REGIONS, to_regions
from course.spanish import number
from course.training import (
    Setting,
    accelerators,
    all_devices,
    alone,
    callbacks,
    resume,
    run_dir,
    set_seed,
    settings,
)

# %% [markdown]
# ## 2. Ajustes
#
# En un terminal son opciones (`--epochs 5`), en cualquier parte son variables
# (`COURSE_EPOCHS=5`), y en un cuaderno basta con cambiar el valor aquí mismo. `dims` elige entre
# cortes (2) y bloques (3), de `patch` vóxeles por lado; `batch_size=None` son 16 cortes o 2
# bloques por paso, porque un bloque de 64³ pesa como 16 cortes de 128×128; `attention` pone o
# quita las compuertas; `modalities` dice qué imágenes ve la red; `limit`, cuántos casos usar.
# Para usar la muestra desde un cuaderno, agrega `source="sample"`.

# %%
s = settings(
    dims=Setting(2, "2 para cortes, 16 por paso; 3 para bloques, 2 por paso", choices=(2, 3)),
    attention=Setting(True, "compuertas de atención en los atajos"),
    modalities=Setting("flair,t1,t1ce,t2", "qué imágenes de un caso ve la red"),
    epochs=14,
    batch_size=None,
    learning_rate=3e-3,
    filters=Setting(16, "filtros del primer nivel; cada uno de los siguientes, el doble", least=1),
    patch=Setting(64, "lado de los bloques con que se entrena, en vóxeles", least=1),
)
set_seed(s.seed)
run = run_dir("taller4_unet_brats", s)

# %% [markdown]
# ## 3. Mirar los datos
#
# Un caso de BraTS es una cabeza vista en cuatro **modalidades**, ya sin cráneo y alineadas:
#
# | modalidad | qué se ve |
# |---|---|
# | FLAIR | el edema brilla; el líquido de los ventrículos, no |
# | T1 | la anatomía: sustancia blanca, sustancia gris, líquido |
# | T1ce | lo mismo con contraste (gadolinio): brilla el borde activo del tumor |
# | T2 | brilla todo lo que tiene agua: edema, núcleo, ventrículos |
#
# Un experto marcó en cada vóxel una etiqueta: 1 núcleo necrótico, 2 edema, 4 tumor que realza. Se
# evalúan tres **regiones**, una dentro de otra: **WT** (tumor completo), **TC** (el núcleo, sin
# edema) y **ET** (lo que realza).
#
# Apartamos pacientes enteros, no cortes: dos cortes vecinos de una cabeza son casi la misma
# imagen. No hay validación: con tan pocos casos no sobra ninguno, y aquí no se elige nada con ella.
# Para elegir ajustes, aparta otros casos; nunca los de prueba.

# %%
cases = brats.open_cases(s.source, n=s.limit, modalities=s.modalities.split(","))
modalities = cases[0].modalities
data = origin("brats2020", s.source)
train_cases, test_cases = brats.split(cases, fraction=0.25, seed=s.seed)
print(f"{len(train_cases)} casos para entrenar, {len(test_cases)} de prueba — {data.title}")
print(f"Uno de prueba: {test_cases[0].images[modalities[0]].parent}")

volume = next(brats.volumes(train_cases))
regions = to_regions(volume.labels, volume.edition)
figure = figures.modalities(
    volume.image,
    regions,
    modalities,
    title=f"Un mismo corte en {len(modalities)} modalidades — {data.title}",
)
figures.show(figure, run / "figures" / "modalidades.png")

# %% [markdown]
# **Ejercicio 4.1. Cuánto mide un tumor.** El encabezado de una resonancia dice cuánto mide un
# vóxel en cada eje: `spacing_mm`, tres números en milímetros, no siempre iguales. Escribe
# `volume_ml(mask, spacing_mm)`: el volumen en mililitros de una máscara 3D de ceros y unos. Un
# mililitro es un centímetro cúbico.


# %% tags=["ejercicio"]
def volume_ml(mask, spacing_mm):
    # Escribe aquí tu respuesta.
    ...


ejercicio("4.1").comprobar(volume_ml)

# %% [markdown]
# **Ejercicio 4.2. De etiquetas a regiones.** Los números de una máscara cambiaron con los años:
#
# | edición | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|
# | 2015 | necrosis | edema | no realza | realza |
# | 2020 | núcleo | edema | | realza |
# | 2023 | núcleo | edema | realza | |
# | 2024 | núcleo | edema | realza | cavidad de la operación |
#
# Escribe `three_regions(labels, edition)`, que devuelve tres máscaras de ceros y unos (o de False
# y True): WT, el tumor completo; TC, su núcleo, que es todo menos el edema; y ET, lo que realza.
# La necrosis y lo que no realza son núcleo. La cavidad ya no es tumor. `edition` es un texto.


# %% tags=["ejercicio"]
def three_regions(labels, edition):
    # Escribe aquí tu respuesta.
    ...


ejercicio("4.2").comprobar(three_regions)

# %% [markdown]
# ## 4. El coeficiente de Dice, a mano
#
# $$\text{Dice} = \frac{2\,|A \cap B|}{|A| + |B|}$$
#
# Dos máscaras de 4×4: la verdad tiene 4 píxeles, la respuesta 6, y comparten 3. Dice = 2·3 / (4 +
# 6) = 0,6. Hazlo con lápiz y compara.

# %%
truth = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
answer = np.array([[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 0]])
print(f"Dice de las dos máscaras: {number(dice_score(truth, answer), 2)}")
figure = figures.dice(truth, answer, title="Dos máscaras de 4×4 y lo que comparten")
figures.show(figure, run / "figures" / "dice.png")

# %% [markdown]
# **Ejercicio 4.3. Dice.** Ahora escríbelo tú: `dice(truth, answer)`, el Dice de dos máscaras de
# ceros y unos de la misma forma. Si las dos están vacías, vale 1 (no había nada y nada se
# encontró); si solo lo está una, vale 0.


# %% tags=["ejercicio"]
def dice(truth, answer):
    # Escribe aquí tu respuesta.
    ...


ejercicio("4.3").comprobar(dice)

# %% [markdown]
# ### Por qué el fondo queda fuera
#
# Casi todo el volumen es fondo. Tomemos una «red» que nunca ve un tumor: responde **fondo** en
# todas partes. Si el fondo cuenta como una clase más y los vóxeles de todas las clases se juntan
# en un solo Dice, esa nada saca una nota brillante (es, sin más, la fracción de vóxeles
# acertados). Con las tres regiones, saca lo que merece.

# %%
labels = volume.labels[volume.image.any(axis=-1)]  # los vóxeles del cerebro, sin el aire
classes = keras.utils.to_categorical(np.searchsorted(np.unique(labels), labels))
nothing = np.zeros_like(classes)
nothing[..., 0] = 1
print(f"todo fondo, con el fondo dentro:  {number(dice_score(classes, nothing), 2)}")
for i, name in enumerate(REGIONS):
    score = dice_score(regions[..., i], np.zeros_like(regions[..., i]))
    print(f"todo fondo, región {name}:         {number(score, 2)}")

# %% [markdown]
# ## 5. La red
#
# Una **U-Net** baja (convoluciones y *max-pooling*: qué hay) y vuelve a subir (dónde está). En
# cada nivel, un atajo lleva lo fino de la bajada a la subida. La **compuerta de atención** está
# en ese atajo: la señal más gruesa, que ya sabe qué hay, decide qué píxeles del atajo pasan. Abre
# `course/models/unet.py`: la red y la compuerta son dos funciones cortas. La figura muestra lo que
# quedó armado.
#
# La salida son tres mapas sigmoides, uno por región, porque las regiones se contienen unas a
# otras. La pérdida suma dos: la de Dice mira el tamaño relativo, la entropía cruzada da un
# gradiente parejo desde el comienzo.
#
# Con varias GPU, `all_devices` reparte cada lote; con GPU, además, se calcula en precisión mixta.

# %%
store = prepare(train_cases)
if s.dims == 2:  # un corte entero: el de la cabeza más grande
    size, serve, usual = np.max([case.image.shape[1:3] for case in store], axis=0), Slices, 16
else:
    size, serve, usual = [s.patch] * 3, Patches, 2
size = [-(-side // 8) * 8 for side in size]  # la red parte cada lado en dos, tres veces
batch_size = s.batch_size or usual
batches = serve(store, batch_size, size, s.seed)
if accelerators():
    keras.config.set_dtype_policy("mixed_float16")

with all_devices(batch_size=batch_size):
    model = unet(
        (None,) * s.dims + (len(modalities),),
        num_classes=len(REGIONS),
        filters=tuple(s.filters * 2**level for level in range(4)),
        attention=s.attention,
        output_activation="sigmoid",
    )
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=s.learning_rate / 10,
        warmup_target=s.learning_rate,
        warmup_steps=len(batches),
        decay_steps=len(batches) * s.epochs,
    )
    model.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=DiceCrossentropy(multilabel=True),
        metrics=[Dice(3, threshold=0.5, name=f"dice_{'slice' if s.dims == 2 else 'patch'}")],
    )
model.summary()
figure = figures.network(model, title="La U-Net, tal como quedó armada")
figures.show(figure, run / "figures" / "red.png")

# %% [markdown]
# **Ejercicio 4.4. Encuentra los errores.** Esta compuerta de atención corre sin quejarse, y tiene
# **cuatro errores** (dos de ellos los hemos visto en cuadernos públicos): encuéntralos y
# corrígelos. `skip` (alto, ancho, canales) es el atajo; `coarse`, el mapa del decodificador un
# nivel más abajo, de la mitad de tamaño; `bottom`, el fondo de la red, más pequeño aún. Lo que
# debe calcular: q = relu(theta(skip) + phi(coarse)), en el tamaño de `coarse`; a =
# sigmoide(psi(q)), un número entre 0 y 1 por píxel; y project(a * skip), con la forma de `skip`.
# Todas son convoluciones de 1x1, es decir, productos con una matriz: `weights("phi", 6, 2)` da
# los pesos de 6 canales a 2. Para agrandar se repite cada píxel; la red de verdad interpola.


# %% tags=["ejercicio"]
def gate(skip, coarse, bottom, weights):
    height, width, channels = skip.shape
    filters = channels // 2
    signal = bottom.repeat(2, axis=0).repeat(2, axis=1)  # quien decide
    theta = skip[::2, ::2] @ weights("theta", channels, filters)
    phi = signal @ weights("phi", signal.shape[-1], filters)
    q = np.maximum(theta + phi, 0)
    psi = q @ weights("psi", filters, 1)
    a = np.exp(psi) / np.exp(psi).sum(axis=-1, keepdims=True)  # una softmax: de 0 a 1
    gated = a * skip[::2, ::2]  # lo que pasa
    return gated @ weights("project", channels, height)


ejercicio("4.4").comprobar(gate)

# %% [markdown]
# ## 6. Entrenar
#
# La mitad de los cortes pasa por el tumor; si no, la red vería casi solo cerebro sano. El Dice
# que aparece aquí es sobre cortes sueltos de entrenamiento: sirve para ver que aprende, no es una
# nota.

# %%
model.fit(
    batches,
    initial_epoch=resume(model, run),
    epochs=s.epochs,
    callbacks=callbacks(run, batches, seed=s.seed),
)
model = alone(model)  # con varios procesos, los demás terminan aquí

# %% [markdown]
# ## 7. Qué aprendió
#
# Los mapas de las compuertas sobre el corte con más tumor de un caso que la red no vio. Uno por
# nivel: `up1` es fino, los otros más gruesos. Claro deja pasar, oscuro frena. En 3D la red ve
# también los cortes vecinos.

# %%
unseen = next(brats.volumes(test_cases))
if s.attention:
    at = largest_slice(to_regions(unseen.labels, unseen.edition)[..., 0])
    first = max(0, min(at - 8, len(unseen.image) - 16))
    rows, columns = (side - side % 8 for side in unseen.image.shape[1:3])
    block = unseen.image[first : first + 16, :rows, :columns]
    if s.dims == 2:
        maps = explain.attention_maps(model, block[at - first])
    else:
        maps = explain.attention_maps(model, block)
        maps = {name: each[(at - first) * len(each) // 16] for name, each in maps.items()}
    figure = figures.attention(
        block[at - first, ..., 0], maps, title=f"Dónde mira la red — {data.title}"
    )
    figures.show(figure, run / "figures" / "atencion.png")

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 4.5. Por qué no la exactitud.** El tumor ocupa el 1 % de los vóxeles. ¿Por qué se mide
# con Dice y no con la fracción de vóxeles acertados?
#
# a) Porque Dice se calcula más rápido.
#
# b) Porque una máscara vacía tendría 99 % de aciertos, y un Dice de 0.
#
# c) Porque Dice siempre da una nota más alta.

# %% tags=["ejercicio"]
ejercicio("4.5").comprobar(...)

# %% [markdown]
# **Ejercicio 4.6. Los atajos de la U-Net.** ¿Qué lleva un atajo del codificador al decodificador?
#
# a) El detalle fino, que al achicar la imagen se perdió.
#
# b) La máscara correcta, para compararla.
#
# c) Los pesos, para no aprenderlos dos veces.

# %% tags=["ejercicio"]
ejercicio("4.6").comprobar(...)

# %% [markdown]
# **Ejercicio 4.7. Cortes y pacientes.** Vas a separar una validación de 100 pacientes con 155
# cortes cada uno. ¿Qué sorteas?
#
# a) Cortes, para que haya de todos los pacientes en los dos lados.
#
# b) Cortes, pero solo los que tienen tumor.
#
# c) Pacientes, con todos sus cortes.

# %% tags=["ejercicio"]
ejercicio("4.7").comprobar(...)

# %% [markdown]
# ## 8. Cuánto acierta y dónde falla
#
# Los casos apartados, enteros y en su geometría original. La nota es la de BraTS: Dice y HD95
# (milímetros entre los bordes, sin el 5 % peor) por caso y región; después, la media de los
# casos. Un buen Dice con un HD95 de decenas de milímetros suele ser una **isla**: unos vóxeles
# marcados lejos del tumor, que casi no cambian lo que se comparte y alejan el borde.
#
# **¿Cuánto ET es ninguno?** Uno de cada cuatro tumores de la muestra no realza, y de los de verdad
# tampoco todos. En esos casos el Dice de ET es todo o nada: con un solo vóxel de más baja de 1 a 0.
# Por eso, quienes compiten en BraTS fijan un mínimo: si en todo el caso hay menos ET, se escribe
# como núcleo. Así no cambian ni la red ni la nota, sino la respuesta. El mínimo lo deciden casos
# **de entrenamiento**; si lo decidieran los de prueba, la nota no diría nada de otros pacientes.
# `choose_least_et_ml` toma el que da el mejor Dice medio de ET en ellos. Si ninguno lo mejora, toma
# uno entre un vóxel y el ET más pequeño que la red respondió en ellos: en un caso que no conoce
# puede poner una mota que en estos no pone. (Si toma cientos de mililitros, la red todavía no
# acierta ningún ET: le faltan épocas.) Queda en `card.json`, para que `course predict` escriba lo
# mismo que aquí se mide.
#
# Para comparar: con la muestra y tres semillas, WT va de 0,91 a 0,94 y ET de 0,88 a 0,91; antes
# de que hubiera un mínimo, ET iba de 0,59 a 0,90, por los casos que no realzan. Los tumores de
# verdad son más difíciles: con cuatro gliomas de BraTS 2015, dos modalidades y tres casos para
# entrenar, el cuarto da en promedio WT 0,82, TC 0,47 y ET 0,66 en 2D, y 0,82, 0,56 y 0,74 en 3D.
# Con tan pocos casos, una red no acierta cuánto TC hay: en tres marca de menos; en el otro, de
# más. Si los tres de entrenamiento deciden también desde qué probabilidad se marca y si responde
# una red o la media de varias, en 3D da 0,82, 0,63 y 0,77; con cuatro casos puede ser suerte
# (`benchmarks/real_cases.py`). El mejor umbral posible sobre FLAIR da WT 0,79. nnU-Net ganó
# BraTS 2020 con Dice 0,89 / 0,85 / 0,82 (WT / TC / ET).

# %%
least_et_ml = choose_least_et_ml(model, itertools.islice(brats.volumes(train_cases), 40))
print(f"Mínimo de ET, según los casos de entrenamiento: {number(least_et_ml, 3)} ml")
report = evaluate_segmenter(model, brats.volumes(test_cases), origin=data, least_et_ml=least_et_ml)
card = report.card(
    edition=volume.edition,
    modalities=list(modalities),
    spacing_mm=volume.spacing_mm,
    patch=None,
    cases=len(cases),
    held_out=[case.name for case in test_cases],
    preparation="brain",
    least_et_ml=least_et_ml,
    seed=s.seed,
)
export(model, run, card=card)
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 9. Para probar
#
# 1. Entrena solo con FLAIR: `--modalities flair`. ¿Qué región se derrumba? ¿Por qué?
# 2. Quita las compuertas (`--no-attention`). ¿Cambia el Dice? ¿Y los parámetros?
# 3. En 3D: `--dims 3` (unos 11 minutos con 2 núcleos de CPU). ¿Qué gana con ver los cortes
#    vecinos, y cuánto cuesta?
# 4. Busca en el informe el peor caso. ¿Es un tumor pequeño? ¿O una isla lejos de él? Un vóxel de
#    más, ¿cuánto Dice cuesta en un tumor de 10 vóxeles? ¿Y en uno de 10 000? Si quitas las islas y
#    dejas solo la pieza más grande, ¿qué nota mejora? ¿Y con qué paciente empeora?
# 5. Quita el mínimo de ET (borra `least_et_ml=least_et_ml` donde se mide). ¿Qué nota baja, y en
#    qué casos?
# 6. Escribe la máscara de un caso: `python -m course predict runs/taller4_unet_brats CARPETA -o
#    mascara.nii.gz` (la sección 3 imprimió una carpeta; en un cuaderno, con `!` delante), y
#    ábrela en un visor como ITK-SNAP o 3D Slicer.
