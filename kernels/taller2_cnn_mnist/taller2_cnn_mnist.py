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
# # Taller 2 · Una red convolucional que lee dígitos
#
# **Meta.** Entrenar una red neuronal convolucional (CNN) que reconoce dígitos escritos a mano,
# medir cuánto acierta y, sobre todo, mirar dónde se equivoca.
#
# **Qué esperar.** Con los 60 000 dígitos de MNIST: alrededor de 99,6 % de aciertos en el conjunto
# de prueba oficial, en unos 5 minutos con 2 núcleos de CPU; con `epochs=2`, 99,3 % en 40
# segundos. Con `--source sample` (1797 dígitos que vienen con scikit-learn, sin descargar nada):
# de 98,9 % a 99,2 % con tres semillas, en menos de un minuto.
#
# Este archivo es la lección completa: se ejecuta en un terminal, en Kaggle y en Colab.

# %% [markdown]
# ## 1. Lo que importamos
#
# Keras pone las capas, `compile` y `fit`. El paquete `course` pone lo demás: los datos, el
# constructor de la red, las figuras y el informe. En tu computador se instala antes (`pip install
# -e .`, en su carpeta); en Kaggle y en Colab lo trae la primera celda.

# %%
import keras
import numpy as np

from course import explain, figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import mnist, splits
from course.datasets.batches import Batches
from course.datasets.catalog import origin
from course.datasets.warp import warp
from course.evaluation import evaluate_classifier
from course.exercises import ejercicio
from course.export import export
from course.models import cnn
from course.training import all_devices, alone, callbacks, resume, run_dir, set_seed, settings

# %% [markdown]
# ## 2. Ajustes
#
# En un terminal son opciones (`--epochs 3`), en cualquier parte son variables
# (`COURSE_EPOCHS=3`), y en un cuaderno basta con cambiar el número aquí mismo. Todo el azar sale
# de `seed`: quien repita la lección con la misma semilla en el mismo equipo obtiene los mismos
# pesos. Para usar la muestra desde un cuaderno, agrega `source="sample"`. `batch_size=None` son
# 256 imágenes por paso, y 32 con la muestra: con 256, una época tendría solo seis pasos.

# %%
s = settings(epochs=15, batch_size=None, learning_rate=6e-3)
batch_size = s.batch_size or (32 if s.source == "sample" else 256)
set_seed(s.seed)
run = run_dir("taller2_cnn_mnist", s)

# %% [markdown]
# ## 3. Mirar los datos
#
# Cada imagen es una matriz de 28×28 números enteros entre 0 (fondo) y 255 (tinta). Del conjunto
# de entrenamiento apartamos un 5 % para **validación**: con él decidimos. El conjunto de
# **prueba** no se toca hasta el final; si eligiéramos algo mirándolo, la nota dejaría de ser
# honesta.

# %%
(x_train, y_train), (x_test, y_test) = mnist.load_data(s.source)
x_train, y_train, x_test, y_test = (a[: s.limit] for a in (x_train, y_train, x_test, y_test))
data = origin("mnist", s.source)
print(f"{len(x_train)} imágenes para entrenar, {len(x_test)} de prueba — {data.title}")

# La red espera (alto, ancho, canales): una imagen en grises tiene un canal.
x_train, x_test = x_train[..., None], x_test[..., None]
train, val = splits.stratified(y_train, fraction=0.05, seed=s.seed)

# %%
figure = figures.samples(x_train, y_train, mnist.CLASS_NAMES, title=f"Dígitos — {data.title}")
figures.show(figure, run / "figures" / "muestras.png")

# %% [markdown]
# ## 4. La red
#
# Cada nivel hace una **convolución** de 3×3 (busca un rasgo local: un borde, una esquina), una
# **agrupación** por máximo (*max-pooling*) de 2×2 (la imagen se reduce a la mitad), normaliza y
# aplica **ReLU**. Cuatro niveles llevan de 28×28 píxeles a 2×2 posiciones con 128 rasgos cada
# una; una capa densa con *softmax* convierte esos rasgos en diez probabilidades. La figura lo
# muestra a escala: la imagen se achica mientras los rasgos aumentan.

# %%
devices = all_devices(batch_size=batch_size)  # con varias GPU, cada una aprende de una parte
with devices:
    model = cnn((28, 28, 1), num_classes=10, filters=(16, 64, 96, 128), dropout=0.1)
model.summary()
figure = figures.network(model, title=f"La red, de la imagen a la respuesta — {data.title}")
figures.show(figure, run / "figures" / "red.png")

# %% [markdown]
# ¿De dónde salen los números de esa tabla? (Los ejercicios se corrigen solos, y
# `ejercicio("2.1").pista()` da una pista.)
#
# **Ejercicio 2.1. Los parámetros de una capa convolucional.** Escribe
# `conv2d_parameters(kernel_size, channels, filters, use_bias=True)`: cuántos números aprende una
# capa `Conv2D` con `filters` filtros de tamaño `kernel_size`, un par (alto, ancho), sobre una
# entrada de `channels` canales. `use_bias` dice si tiene sesgos. Compáralo con `model.summary()`,
# donde las convoluciones no los tienen: la normalización que viene después hace ese trabajo.


# %% tags=["ejercicio"]
def conv2d_parameters(kernel_size, channels, filters, use_bias=True):
    # Escribe aquí tu respuesta.
    ...


ejercicio("2.1").comprobar(conv2d_parameters)

# %% [markdown]
# **Ejercicio 2.2. De la imagen al vector.** Una imagen de `side`×`side` pasa por un nivel por
# cada número de la lista `filters`: una convolución de 3×3 sin padding (`"valid"`) con esa
# cantidad de filtros y un max-pooling de 2×2, también sin padding. Escribe `flattened(side,
# filters)`: cuántos números salen de `Flatten` al final.


# %% tags=["ejercicio"]
def flattened(side, filters):
    # Escribe aquí tu respuesta.
    ...


ejercicio("2.2").comprobar(flattened)

# %% [markdown]
# **Aumento de datos.** Un 4 un poco girado, corrido o estirado sigue siendo un 4. `warp` deforma al
# azar cada imagen de un lote: la agranda o la achica, la inclina como una letra cursiva, la gira y
# la corre hasta dos píxeles. Hace las cuatro cosas a la vez: una tras otra irían borrando los
# trazos. La red casi nunca ve dos veces exactamente la misma imagen. Solo se hace al entrenar.

# %%
deformed = warp(np.repeat(x_train[:4], 10, axis=0), np.random.default_rng(s.seed))
figure = figures.samples(
    deformed,
    np.repeat(range(4), 10),
    [f"un {digit}" for digit in y_train[:4]],
    title=f"Cuatro dígitos, deformados diez veces — {data.title}",
)
figures.show(figure, run / "figures" / "aumento.png")

# %% [markdown]
# ## 5. Entrenar
#
# `compile` elige qué se minimiza (la **entropía cruzada**) y cómo (AdamW, un descenso de
# gradiente con memoria). Las etiquetas van como diez números, uno por clase, y algo **suavizadas**:
# en lugar de 1 para la clase verdadera y 0 para las otras, 0,955 y 0,005. Así la red no gasta
# esfuerzo en estar segura del todo, y se equivoca menos; la pérdida ya no puede bajar de 0,28. La
# **tasa de aprendizaje** sube durante la primera época y luego baja siguiendo un coseno. `fit` hace
# el trabajo: avance, retropropagación y corrección de los pesos, un lote tras otro; cada lote llega
# recién deformado.

# %%
targets = keras.utils.to_categorical(y_train, 10)
batches = Batches(x_train[train], targets[train], batch_size, s.seed, augment=warp)
schedule = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=s.learning_rate / 10,
    warmup_target=s.learning_rate,
    warmup_steps=len(batches),
    decay_steps=len(batches) * s.epochs,
)
figure = figures.learning_rate(
    schedule, steps=len(batches), epochs=s.epochs, title="La tasa de aprendizaje, paso a paso"
)
figures.show(figure, run / "figures" / "tasa.png")

with devices:
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.01),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.05),
        metrics=["accuracy"],
    )
model.fit(
    batches,
    validation_data=Batches(x_train[val], targets[val], batch_size, s.seed),
    initial_epoch=resume(model, run),
    epochs=s.epochs,
    callbacks=callbacks(run, batches, seed=s.seed),
)
model = alone(model)  # con varios procesos, los demás terminan aquí

# %% [markdown]
# Lo que `fit` minimizó, por dentro: *softmax* y entropía cruzada.
#
# **Ejercicio 2.3. Softmax que no se desborda.** Escribe `softmax(z)`: `z` tiene una fila por
# imagen y una columna por clase, y cada *fila* debe volverse una lista de probabilidades, e^z
# dividido por la suma de los e^z de su fila. Algunas filas tienen números cercanos a 1000 y otras
# a -1000: también ahí debe responder bien.


# %% tags=["ejercicio"]
def softmax(z):
    # Escribe aquí tu respuesta.
    ...


ejercicio("2.3").comprobar(softmax)

# %% [markdown]
# **Ejercicio 2.4. La entropía cruzada.** Escribe `cross_entropy(labels, probabilities)`: la
# pérdida de un lote, que es el **promedio** sobre las imágenes de L = -(suma de t·ln y) sobre las
# clases. `labels` trae la clase verdadera de cada imagen, contada desde 0; `probabilities` tiene
# una fila por imagen y una columna por clase, ya pasadas por softmax, sin ceros.


# %% tags=["ejercicio"]
def cross_entropy(labels, probabilities):
    # Escribe aquí tu respuesta.
    ...


ejercicio("2.4").comprobar(cross_entropy)

# %% [markdown]
# ## 6. Qué aprendió
#
# Los filtros de la primera capa: cada uno responde a un patrón de 3×3. Algunos buscan un borde en
# una dirección, azul a un lado y naranja al otro; muchos no tienen forma que se pueda nombrar.

# %%
figure = figures.filters(explain.filters(model), title=f"Filtros de la primera capa — {data.title}")
figures.show(figure, run / "figures" / "filtros.png")

# %% [markdown]
# Cada filtro recorre la imagen y deja un **mapa de características**: claro donde encontró lo que
# busca. El nivel siguiente busca en esos mapas, y así de uno en otro: cada vez dicen menos
# *dónde* y más *qué*. Miramos el dígito de validación del que la red está más segura.

# %%
answers = model.predict(x_train[val], verbose=0)
order = answers[range(len(val)), y_train[val]].argsort()  # de la menos a la más segura
digit = x_train[val[order[-1]]]
figure = figures.feature_maps(
    digit,
    explain.feature_maps(model, digit, ["level1_relu", "level2_relu", "level3_relu"]),
    title=f"Un dígito, nivel por nivel — {data.title}",
)
figures.show(figure, run / "figures" / "mapas.png")

# %% [markdown]
# ¿Y qué parte del dígito pesó en la respuesta? **Grad-CAM** (Selvaraju y otros, 2017) suma los
# mapas de una capa, cada uno por cuánto sube con él el puntaje de la clase que la red respondió
# (un gradiente, como el que usa el entrenamiento), y se queda con lo positivo. Abajo están la
# respuesta más segura y las tres menos seguras. Los mapas de esa capa son de 4×4: señalan una
# zona, no un píxel.
#
# No le creas todo. Grad-CAM resume el gradiente en un promedio por mapa, y esta red le da a cada
# lugar del mapa un peso propio: a veces señala el borde o queda vacío aunque la respuesta sea
# buena. El Taller 3 pregunta de otra manera.

# %%
shown, said = [order[-1], *order[:3]], answers.argmax(axis=1)
figure = figures.grad_cam(
    x_train[val[shown]],
    [explain.grad_cam(model, x_train[val[i]], said[i], layer="level3_relu") for i in shown],
    [f"es un {y_train[val[i]]}, dijo {said[i]}" for i in shown],
    title=f"Qué mira la red para responder — {data.title}",
)
figures.show(figure, run / "figures" / "grad_cam.png")

# %% [markdown]
# Antes de abrir el informe, aprende a leer su matriz de confusión.
#
# **Ejercicio 2.5. Leer una matriz de confusión.** En la matriz de confusión del informe, la fila
# dice la clase **verdadera** y la columna lo que la red **respondió**. Escribe
# `class_accuracy(confusion)`: de las imágenes que de verdad eran de cada clase, qué fracción
# reconoció. Devuelve un número por clase, entre 0 y 1; todas las clases tienen imágenes.


# %% tags=["ejercicio"]
def class_accuracy(confusion):
    # Escribe aquí tu respuesta.
    ...


ejercicio("2.5").comprobar(class_accuracy)

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 2.6. El None del resumen.** `model.summary()` muestra la forma (None, 26, 26, 32).
# ¿Qué es None?
#
# a) El tamaño del lote, que puede ser cualquiera.
#
# b) Un eje que la red todavía no aprende.
#
# c) Un error: falta decir el tamaño de la imagen.

# %% tags=["ejercicio"]
ejercicio("2.6").comprobar(...)

# %% [markdown]
# **Ejercicio 2.7. Dropout al predecir.** Una capa `Dropout(0.3)` apaga el 30 % de los números. ¿Qué
# hace en `model.predict`?
#
# a) Apaga otro 30 % cada vez, y por eso la respuesta cambia un poco.
#
# b) Nada: deja pasar todo tal cual.
#
# c) Apaga siempre los mismos, los que resultaron inútiles.

# %% tags=["ejercicio"]
ejercicio("2.7").comprobar(...)

# %% [markdown]
# **Ejercicio 2.8. Dar vuelta un dígito.** Para aumentar los datos de MNIST, ¿cuál de estos cambios
# estropea las etiquetas?
#
# a) Correr el dígito dos píxeles.
#
# b) Girarlo unos pocos grados.
#
# c) Agrandarlo un 10 %.
#
# d) Girarlo 180 grados.

# %% tags=["ejercicio"]
ejercicio("2.8").comprobar(...)

# %% [markdown]
# ## 7. Cuánto acierta y dónde falla
#
# Ahora sí, el conjunto de prueba, una sola vez. El informe dice también cuán segura es la nota:
# con pocas imágenes, dos redes igual de buenas pueden diferir en varias décimas por puro azar.

# %%
report = evaluate_classifier(model, x_test, y_test, class_names=mnist.CLASS_NAMES, origin=data)
export(model, run, card=report.card(preparation="digit", seed=s.seed))
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 8. Para probar
#
# 1. Quita el aumento de datos (`augment=warp`). ¿Qué pasa con la distancia entre entrenamiento y
#    validación?
# 2. Entrena con `--limit 1000`. ¿Cuánto baja la exactitud? ¿Y cuánto crece su intervalo?
# 3. Cambia `filters=(16, 64, 96, 128)` por `(8, 16, 32)`. ¿Cuántos parámetros quedan? ¿Vale la
#    pena el resto?
# 4. Dibuja un dígito, guárdalo como `mi_digito.png` y pregúntale a tu red: `python -m course
#    predict runs/taller2_cnn_mnist mi_digito.png --keep visto` (en un cuaderno, con `!` delante).
#    En `visto` queda lo que la red vio, con sus diez barras.
# 5. Haz una página de tu red y dibújale con el dedo: `python -m course demo
#    runs/taller2_cnn_mnist` la abre en tu navegador. `course.demo.page.export_web` la escribe como
#    un solo archivo (`python -m course export runs/taller2_cnn_mnist --web pagina`) y
#    `course.demo.space.build`, como la carpeta de un Space de Hugging Face.
