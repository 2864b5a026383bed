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
# # Taller 3 · Una red convolucional que lee señas, y una validación que no engaña
#
# **Meta.** Entrenar la misma CNN del Taller 2 con fotografías de manos: 24 letras de la lengua de
# señas americana (la J y la Z se hacen con movimiento y no caben en una foto). Y aprender a
# desconfiar de una validación demasiado buena.
#
# **Qué esperar.** Con Sign Language MNIST: 100 % del conjunto de prueba oficial con cada una de
# cinco semillas, en unos 3 minutos con 2 núcleos de CPU. Ese conjunto son solo unas 340
# fotografías: con 95 % de confianza, la red acierta entre 98,8 % y 100 % de otras como ellas. Con
# `--source sample` (manos dibujadas por el programa, sin descargar nada): entre 93 % y 97 % con
# tres semillas, en poco más de un minuto.

# %% [markdown]
# ## 1. Lo que importamos
#
# Lo mismo que en el Taller 2, y de scikit-learn un vecino más cercano. En tu computador se
# instala antes (`pip install -e .`, en su carpeta); en Kaggle y en Colab lo trae la primera
# celda.

# %%
import keras
import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from course import explain, figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import sign_mnist, splits
from course.datasets.batches import Batches
from course.datasets.catalog import origin
from course.datasets.warp import warp
from course.evaluation import evaluate_classifier
from course.exercises import ejercicio
from course.export import export
from course.models import cnn, resnet, vgg
from course.spanish import number, percent
from course.training import all_devices, alone, callbacks, resume, run_dir, set_seed, settings

# %% [markdown]
# ## 2. Ajustes
#
# En un terminal son opciones (`--epochs 3`), en cualquier parte son variables
# (`COURSE_EPOCHS=3`), y en un cuaderno basta con cambiar el número aquí mismo. Todo el azar sale
# de `seed`. Para usar la muestra desde un cuaderno, agrega `source="sample"`.

# %%
s = settings(epochs=16, batch_size=128, learning_rate=4e-3)
set_seed(s.seed)
run = run_dir("taller3_cnn_senas", s)

# %% [markdown]
# ## 3. Mirar los datos
#
# Cada imagen es una mano en grises, de 28×28. Las etiquetas van de 0 a 23 y `CLASS_NAMES` da la
# letra.

# %%
(x_train, y_train), (x_test, y_test) = sign_mnist.load_data(s.source)
x_train, y_train, x_test, y_test = (a[: s.limit] for a in (x_train, y_train, x_test, y_test))
data = origin("sign_mnist", s.source)
print(f"{len(x_train)} imágenes para entrenar, {len(x_test)} de prueba — {data.title}")

figure = figures.samples(
    x_train, y_train, sign_mnist.CLASS_NAMES, title=f"Una seña por letra — {data.title}"
)
figures.show(figure, run / "figures" / "muestras.png")

# %% [markdown]
# **Ejercicio 3.1. Las etiquetas sin la J.** En el archivo de Sign MNIST la etiqueta es el lugar
# de la letra en el alfabeto inglés: A es 0, I es 8, K es 10, Y es 24. El 9 (la J) no aparece
# nunca. La red tiene 24 salidas, de 0 a 23 y sin huecos: la salida 8 es I y la 9 es K. Escribe
# `to_class(labels)`, que a cada etiqueta del archivo le da su salida.


# %% tags=["ejercicio"]
def to_class(labels):
    # Escribe aquí tu respuesta.
    ...


ejercicio("3.1").comprobar(to_class)

# %% [markdown]
# ### La trampa
#
# Las 27 455 imágenes de entrenamiento no son 27 455 fotografías: son copias de unas 1300, casi
# siempre 21 de cada una, con otra luz, otro contraste o unos grados de giro. Si la validación se
# aparta **al azar**, casi cada imagen de validación tiene una gemela en el entrenamiento: la nota
# sube y no dice nada. Una validación honesta deja **cada fotografía entera** de un solo lado. Las
# manos dibujadas de la muestra tienen la misma trampa: cada una aparece tres veces. La figura
# muestra los grupos más grandes; en la muestra juntan dos manos que salieron casi iguales.
#
# Midámoslo con el método más simple que existe, el vecino más cercano: a cada imagen le da la
# letra de la más parecida del entrenamiento.

# %%
groups = splits.near_duplicates(x_train, y_train)
choices = {
    "al azar": splits.stratified(y_train, fraction=0.05, seed=s.seed),
    "por fotografía": splits.grouped(y_train, groups, fraction=0.05, seed=s.seed),
}
print(f"{len(x_train)} imágenes, {len(np.unique(groups))} grupos de imágenes casi iguales")
most = np.sort(np.bincount(groups).argsort()[-4:])  # los cuatro más grandes
copies = np.flatnonzero(np.isin(groups, most))
figure = figures.samples(
    x_train[copies],
    np.searchsorted(most, groups[copies]),
    [f"grupo {n}" for n in range(1, len(most) + 1)],
    title=f"Imágenes casi iguales — {data.title}",
)
figures.show(figure, run / "figures" / "gemelas.png")


def nearest_neighbour(x, y, x_new, y_new):
    flat = x.reshape(len(x), -1) / 255, x_new.reshape(len(x_new), -1) / 255
    return KNeighborsClassifier(1, algorithm="brute").fit(flat[0], y).score(flat[1], y_new)


honest = nearest_neighbour(x_train, y_train, x_test, y_test)
print(f"vecino más cercano, prueba oficial: {percent(honest, 1)}")
for name, (train, val) in choices.items():
    score = nearest_neighbour(x_train[train], y_train[train], x_train[val], y_train[val])
    print(f"vecino más cercano, validación {name}: {percent(score, 1)}")

# %% [markdown]
# La validación al azar promete casi un 100 % que la prueba desmiente por muchos puntos. La
# validación por fotografía queda mucho más cerca: con Sign MNIST, del lado prudente; con la
# muestra, de 3 a 11 puntos por encima según la semilla, porque un 5 % son dos manos de cada letra.
# Con ella entrenamos.
#
# Ojo: acabamos de mirar la prueba para comparar las dos validaciones. Aquí se puede, porque lo
# que mostramos es la trampa; para elegir una red o sus ajustes, no.
#
# (La prueba oficial tampoco es perfecta: cerca de un 11 % de sus imágenes son tomas casi seguidas
# de una mano que también está en el entrenamiento.)

# %%
train, val = choices["por fotografía"]
x_train, x_test = x_train[..., None], x_test[..., None]  # la red espera un eje de canales

# %% [markdown]
# **Ejercicio 3.2. Una validación sin gemelas.** Escribe `hold_out(labels, groups, fraction)`: los
# índices de las imágenes que se apartan para validar, elegidas al azar. `labels` trae la letra de
# cada imagen y `groups` su fotografía; todas las copias de una fotografía son de una misma letra.
# Hay muchas respuestas correctas. Tres cosas deben cumplirse: ninguna fotografía tiene copias en
# los dos lados, en cada lado están todas las letras, y lo apartado no se aleja de `fraction` en
# más de una décima del total.


# %% tags=["ejercicio"]
def hold_out(labels, groups, fraction):
    # Escribe aquí tu respuesta.
    ...


ejercicio("3.2").comprobar(hold_out)

# %% [markdown]
# **Ejercicio 3.3. Las copias votan.** Si hay varias copias de una fotografía, pueden votar: la
# red responde cada una y gana la letra con más votos. Escribe `photograph_accuracy(predictions,
# labels, groups)`, la fracción de *fotografías* (no de imágenes) que la votación acierta. Los
# tres arreglos tienen un número por imagen: la letra que dijo la red, la verdadera y la
# fotografía. Las copias vienen mezcladas; no hay empates.


# %% tags=["ejercicio"]
def photograph_accuracy(predictions, labels, groups):
    # Escribe aquí tu respuesta.
    ...


ejercicio("3.3").comprobar(photograph_accuracy)

# %% [markdown]
# ## 4. La red
#
# La misma `cnn` del Taller 2, con sus cuatro niveles y 24 salidas. El aumento de datos imita lo
# que cambia entre dos fotos de la misma seña. `warp`, la del Taller 2, cambia el giro, la distancia
# y la posición; una foto no termina en papel en blanco, así que lo que entra por un lado repite el
# borde (`"nearest"`). Dos capas de Keras cambian la luz y el contraste. Todo queda *fuera* de
# `model`: solo sirve para entrenar.

# %%
devices = all_devices(batch_size=s.batch_size)
with devices:
    model = cnn((28, 28, 1), num_classes=24, filters=(16, 64, 96, 128))
    model.summary()

    light = keras.Sequential(
        [keras.layers.RandomBrightness(0.2), keras.layers.RandomContrast(0.3)], name="luz"
    )
    trainer = keras.Sequential([keras.Input((28, 28, 1)), light, model], name="entrenamiento")


def deform(images, random):
    return warp(images, random, turn_deg=14, zoom=0.15, slant=0, shift=3.4, fill_mode="nearest")


deformed = deform(np.repeat(x_train[:4], 10, axis=0), np.random.default_rng(s.seed))
figure = figures.samples(
    keras.ops.convert_to_numpy(light(deformed, training=True)),
    np.repeat(range(4), 10),
    [f"una {sign_mnist.CLASS_NAMES[letter]}" for letter in y_train[:4]],
    title=f"Cuatro señas, deformadas diez veces — {data.title}",
)
figures.show(figure, run / "figures" / "aumento.png")

# %% [markdown]
# **Ejercicio 3.4. Un bloque residual.** ResNet suma a lo que calcula un bloque su propia entrada.
# Escribe `residual(x, W1, W2)` = relu(x + f(x)), con f(x) = relu(x W1) W2: dos capas sin sesgo, y
# ReLU solo después de la primera. `x` tiene una fila por ejemplo, y los productos son de
# matrices.


# %% tags=["ejercicio"]
def residual(x, W1, W2):
    # Escribe aquí tu respuesta.
    ...


ejercicio("3.4").comprobar(residual)

# %% [markdown]
# ## 5. Entrenar
#
# Con `label_smoothing=0.1` la meta deja de ser «la letra correcta, 100 %»: pasa a ser 90 %, y el
# resto se reparte entre todas. La red ya no gana nada con volverse cada vez más segura de las
# fotografías que conoce, y acierta un poco más con las que no. La pérdida necesita entonces la
# etiqueta como vector de 24 números, un 1 y 23 ceros.

# %%
targets = keras.utils.to_categorical(y_train, num_classes=24)
batches = Batches(x_train[train], targets[train], s.batch_size, s.seed, augment=deform)
schedule = keras.optimizers.schedules.CosineDecay(
    initial_learning_rate=s.learning_rate / 10,
    warmup_target=s.learning_rate,
    warmup_steps=len(batches),
    decay_steps=len(batches) * s.epochs,
)
with devices:
    trainer.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.01),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
trainer.fit(
    batches,
    validation_data=Batches(x_train[val], targets[val], s.batch_size, s.seed),
    initial_epoch=resume(trainer, run),
    epochs=s.epochs,
    callbacks=callbacks(run, batches, seed=s.seed),
)
model = alone(model)  # con varios procesos, los demás terminan aquí

# %% [markdown]
# ### VGG y ResNet
#
# La `cnn` no es la única manera de apilar convoluciones. **VGG** (Simonyan y Zisserman, 2014)
# pone dos o tres de 3×3 antes de cada *max-pooling*: juntas miran 5×5 o 7×7 píxeles con menos
# parámetros que una sola de ese tamaño. **ResNet** (He y otros, 2015) suma a cada bloque su
# propia entrada, el atajo del ejercicio 3.4: así el gradiente llega hasta el comienzo, y se
# pueden apilar cien capas. Las tres aprenden aquí lo mismo: 2700 imágenes, 3 épocas, sin aumento
# de datos, y en un solo dispositivo aunque haya varios.

# %%
few = train[:2700]
for network in (
    cnn((28, 28, 1), 24, filters=(16, 64, 96, 128)),
    vgg((28, 28, 1), 24, filters=(16, 32, 64), repeats=(2, 2, 2), units=(128,)),
    resnet((28, 28, 1), 24, filters=(8, 16, 32), repeats=(1, 1, 1)),
):
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(x_train[few], y_train[few], batch_size=128, epochs=3, verbose=0)
    _, score = network.evaluate(x_train[val], y_train[val], verbose=0)
    parameters = number(network.count_params(), 0)
    print(f"{network.name:7}{parameters:>8} parámetros, validación {percent(score, 1)}")

# %% [markdown]
# Tan poco entrenamiento no decide cuál es mejor: aquí las otras dos apenas han partido. La `vgg` no
# normaliza lo que pasa de una capa a otra, y la `resnet` tiene nueve veces menos parámetros. Con
# todo Sign MNIST y 3 épocas (Adam, 2 núcleos de CPU, prueba oficial, una semilla):
#
# | red | parámetros | segundos por época | exactitud |
# |---|---|---|---|
# | `cnn` | 188 776 | 10,4 | 94,7 % |
# | `vgg` | 206 088 | 10,7 | 95,2 % |
# | `resnet` | 20 608 | 11,7 | 82,2 % |
#
# Fíjate en el tiempo: las tres tardan casi lo mismo. Cuesta cada multiplicación, no cada
# parámetro, y una convolución usa los suyos en todos los lugares de la imagen.

# %% [markdown]
# ## 6. Qué aprendió
#
# Los filtros de la primera capa, aprendidos esta vez de sombras y dedos.

# %%
figure = figures.filters(explain.filters(model), title=f"Filtros de la primera capa — {data.title}")
figures.show(figure, run / "figures" / "filtros.png")

# %% [markdown]
# ¿Mira los dedos, o se fija en otra cosa? Preguntémosle: tapamos un cuadrado de la fotografía con
# gris, medimos cuánto baja la probabilidad de la letra y corremos el cuadrado (**oclusión**,
# Zeiler y Fergus, 2014). Las manos son de validación: la red no entrenó con ellas.

# %%
_, letters = np.unique(y_train[val], return_index=True)  # una mano de cada letra
hands = val[letters[:: max(1, len(letters) // 4)][:4]]
figure = figures.occlusion(
    [x_train[i] for i in hands],
    [explain.occlusion(model, x_train[i], y_train[i]) for i in hands],
    [f"una {sign_mnist.CLASS_NAMES[y_train[i]]}" for i in hands],
    title=f"Qué pasa si tapamos una parte — {data.title}",
)
figures.show(figure, run / "figures" / "oclusion.png")

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 3.5. Gemelas en la validación.** Cada fotografía está muchas veces, con pequeños
# cambios, y se reparte imagen por imagen, al azar. ¿Cómo sale la nota de validación?
#
# a) Demasiado alta.
#
# b) Demasiado baja.
#
# c) Igual, porque ninguna imagen está en los dos lados.

# %% tags=["ejercicio"]
ejercicio("3.5").comprobar(...)

# %% [markdown]
# **Ejercicio 3.6. El atajo de ResNet.** Un bloque residual calcula x + f(x). ¿Qué gana con el + x?
#
# a) Tiene menos pesos que el mismo bloque sin atajo.
#
# b) El gradiente pasa también por un camino en el que nada lo achica.
#
# c) La red ya no puede sobreajustar.

# %% tags=["ejercicio"]
ejercicio("3.6").comprobar(...)

# %% [markdown]
# **Ejercicio 3.7. 98 % de exactitud.** De 1000 radiografías, 20 son de enfermos. Un programa
# acierta en el 98 %. ¿Qué sabes de él?
#
# a) Que encuentra a 98 de cada 100 enfermos.
#
# b) Que da 2 % de falsas alarmas.
#
# c) Casi nada: responder siempre «sano» también acierta en el 98 %.

# %% tags=["ejercicio"]
ejercicio("3.7").comprobar(...)

# %% [markdown]
# ## 7. Cuánto acierta y dónde falla
#
# El conjunto de prueba oficial; con esta red, una sola vez. Compáralo con la última
# `val_accuracy`: ¿fue honesta?
#
# También sus imágenes son copias: 7172 de unas 340 fotografías. La nota es entonces menos segura
# de lo que 7172 aciertos o errores harían creer, y el intervalo del informe cuenta cada
# fotografía una sola vez.

# %%
report = evaluate_classifier(
    model,
    x_test,
    y_test,
    class_names=sign_mnist.CLASS_NAMES,
    origin=data,
    groups=splits.near_duplicates(x_test[..., 0], y_test),
)
export(model, run, card=report.card(preparation="photo", seed=s.seed))
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 8. Para probar
#
# 1. Entrena con la validación `"al azar"`. ¿Cuánto promete? ¿Cambia la nota de la prueba?
# 2. Quita el aumento de datos (`trainer = model`, y `Batches` sin `augment=deform`). ¿Qué letras
#    empiezan a confundirse? Mira la matriz del informe.
# 3. ¿Qué letras se parecen más entre sí? Forma con tu mano las letras M, N, S, T, A y E, y luego
#    mira la galería de errores.
# 4. Toma una foto de tu mano sobre un fondo liso y prueba: `python -m course predict
#    runs/taller3_cnn_senas mi_mano.jpg` (en un cuaderno, con `!` delante). ¿Acierta? ¿Qué tiene
#    tu foto que no tengan las del conjunto?
# 5. Cambia la red por otra de las diapositivas, con todas sus épocas, y deja igual todo lo demás:
#    copia la línea de `vgg` o de `resnet` de la sección 5 en la sección 4, después de `model =` y
#    sin la coma del final. ¿Alcanza la `resnet` a las demás? Respóndelo con la validación por
#    fotografía, no con la prueba.
