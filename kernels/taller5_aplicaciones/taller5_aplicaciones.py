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
# # Taller 5 · Radiografías de tórax, y transferir lo aprendido
#
# **Meta.** La clasificación de enfermedades de las diapositivas, con radiografías de verdad: una
# CNN pequeña que distingue tórax sanos de tórax con neumonía (Kermany y otros, 2018), con su
# umbral, su sensibilidad y su especificidad. Y *transferir*: partir de una red que ya sabe otra
# cosa, como Alshmrani y otros (2023) con VGG19. La segunda parte, el Taller 5b, detecta.
#
# **Qué esperar.** Con las radiografías, unos 2 minutos con 2 núcleos de CPU: la validación promete
# un área bajo la curva ROC de 0,99, y la prueba oficial da 0,97, con 9 aciertos de cada 10
# (medido en una copia reducida a 224×224, sin su aspecto original). Con `--source sample` (tórax
# dibujados, sin descargar nada), un minuto y medio.
#
# **Lo que no es.** Nada de esto es un diagnóstico. Y los tórax de la muestra son **dibujos**:
# elipses que hace el programa, sin pacientes; su nota no dice nada sobre medicina.

# %% [markdown]
# ## 1. Lo que importamos
#
# En tu computador el paquete se instala antes (`pip install -e .`, en su carpeta); en Kaggle y en
# Colab lo trae la primera celda.

# %%
import keras
import numpy as np

from course import explain, figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import chest_xray, mnist, splits
from course.datasets.batches import Batches
from course.datasets.catalog import origin
from course.datasets.samples import chests
from course.evaluation import choose_threshold, evaluate_classifier, two_classes
from course.exercises import ejercicio
from course.export import export
from course.models import cnn, thaw, transfer_classifier
from course.spanish import percent
from course.training import Setting, alone, callbacks, resume, run_dir, set_seed, settings
from course.training.devices import accelerators, all_devices

# %% [markdown]
# ## 2. Ajustes
#
# `backbone` es la red que se toma prestada y `weights` lo que ya aprendió: `imagenet` (Keras lo
# descarga una vez), un archivo, o `none`, que se salta esa parte. Si no dices nada, es `imagenet`
# donde hay una GPU, y `none` con la muestra o sin GPU. Desde un cuaderno, la muestra es
# `source="sample"`.

# %%
s = settings(
    epochs=16,
    batch_size=None,
    learning_rate=3e-3,
    classes=Setting(2, "2: sano o enfermo; 3: sano, bacteria o virus", choices=(2, 3)),
    backbone=Setting("VGG19", "la red que se toma prestada"),
    weights=Setting(None, "lo que ya aprendió: imagenet, un archivo o none", kind=str),
    transfer_epochs=Setting(30, "épocas con pocos ejemplos de los dígitos 5 a 9"),
)
set_seed(s.seed)
run = run_dir("taller5_aplicaciones", s)

# %% [markdown]
# ## 3. Mirar los datos
#
# Las radiografías son de niños de uno a cinco años de un hospital de Guangzhou, y nada más que
# eso: una red que aprende de ellos no sabe nada de adultos. Fíjate en sus cuentas: para entrenar
# hay casi **tres enfermos por cada sano**, y no porque así sea el mundo. Quien responde siempre
# «neumonía» ya acierta casi tres de cada cuatro. (Los dibujos de la muestra van por mitades.)
#
# Cada radiografía se reduce a 64×64, en grises, sin deformarla. El nombre del archivo dice de qué
# paciente es: de muchos hay varias.

# %%
train_part, test_part = chest_xray.load_data(s.source, classes=s.classes)
x_train, y_train, who = (array[: s.limit] for array in train_part)
x_test, y_test, who_test = (array[: s.limit] for array in test_part)
data, drawn = origin("chest_xray", s.source), s.source == "sample"
names = chests.CLASS_NAMES if drawn else chest_xray.CLASS_NAMES[s.classes]
for part, y, whose in (("Entrenar", y_train, who), ("Probar", y_test, who_test)):
    counts = ", ".join(f"{sum(y == label)} {name}" for label, name in enumerate(names))
    whom = "dibujos" if drawn else "pacientes"
    print(f"{part}: {len(y)} imágenes de {len(np.unique(whose))} {whom}: {counts}")

figure = figures.samples(x_train, y_train, names, title=f"De cada clase — {data.title}")
figures.show(figure, run / "figures" / "torax.png")

# %% [markdown]
# ### Pacientes y gemelas
#
# Ya lo viste en el Taller 3: dos imágenes de lo mismo no pueden quedar una a cada lado. Aquí lo que
# se repite es el **paciente**, y además hay copias. Buscamos imágenes casi iguales: entre las 5216
# de entrenamiento hay 24 grupos, con 26 copias exactas de más, siempre del mismo paciente. Lo que
# más se parece después, ya de pacientes distintos, queda lejos: 0,89 donde una copia da 1. El
# límite de 0,95 cae en ese vacío; con cualquiera entre 0,90 y 0,99 se encuentra lo mismo. Entre una
# clase y otra, o entre el entrenamiento y la prueba, nada pasa de 0,82. (En la muestra puede salir
# una pareja: son dos dibujos distintos que se parecen.)
#
# Si cada paciente queda entero de un lado, las copias quedan con él. Apartamos así una quinta parte
# para validar.

# %%
groups = splits.near_duplicates(x_train, y_train)
copies = np.flatnonzero(np.bincount(groups)[groups] > 1)
print(f"{len(x_train)} imágenes, {len(np.unique(groups))} distintas: {len(copies)} tienen gemela")
twins, place = np.unique(groups[copies], return_inverse=True)
if len(twins):
    named, title = [f"grupo {n + 1}" for n in range(len(twins))], f"Casi iguales — {data.title}"
    figure = figures.samples(x_train[copies], place, named, title=title, columns=3)
    figures.show(figure, run / "figures" / "gemelas.png")

train, val = splits.grouped(y_train, who, fraction=0.2, seed=s.seed)

# %% [markdown]
# El conjunto de Kaggle trae además una carpeta `val` con 16 imágenes. Quien elige con ella no elige
# nada: 14 de 16 aciertos son 88 %, y el intervalo de 95 % va de 64 % a 97 %. No la usamos.

# %% [markdown]
# ## 4. Una CNN pequeña
#
# La misma `cnn` de los talleres anteriores, con dos cosas antes de sus convoluciones:
#
# - **La misma luz para todas.** Cada aparato y cada técnico exponen a su manera.
#   `LayerNormalization` lleva cada imagen a media 0 y desviación 1, y así la red no puede fijarse
#   en eso. (`Rescaling` la devuelve a números como los que `cnn` espera, alrededor de 128.)
# - **Aumento de datos**, fuera de `model` como siempre: giros, distancia, posición, contraste,
#   desenfoque, un rectángulo tapado. Le quita a la red los atajos fáciles, como las letras del
#   borde.
#
# Los pesos por clase (`class_weight`) hacen que los pocos sanos cuenten tanto como los muchos
# enfermos. Con `--classes 3` la misma red distingue además bacteria de virus, y es más difícil:
# 87 % de aciertos en la prueba, donde con dos clases son 90 %.

# %%
x_train, x_test = x_train[..., None], x_test[..., None]  # la red espera un eje de canales
targets = keras.utils.to_categorical(y_train, len(names))
batch_size = s.batch_size or (32 if drawn else 64)
batches = Batches(x_train[train], targets[train], batch_size, s.seed)
schedule = keras.optimizers.schedules.CosineDecay(s.learning_rate, len(batches) * s.epochs)
loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)

with all_devices(batch_size=batch_size):  # con varias GPU, cada una aprende de una parte
    model = keras.Sequential(
        [
            keras.Input((64, 64, 1)),
            keras.layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False),
            keras.layers.Rescaling(60, offset=128),
            *cnn((64, 64, 1), len(names), filters=(16, 32, 64, 128)).layers,
        ],
        name="torax",
    )
    augmentation = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(0.05, fill_mode="nearest"),
            keras.layers.RandomZoom(0.2, 0.2, fill_mode="nearest"),
            keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            keras.layers.RandomContrast(0.5),
            keras.layers.RandomGaussianBlur(0.5, kernel_size=3),
            keras.layers.RandomErasing(0.5, scale=(0.02, 0.15)),
        ],
        name="aumento",
    )
    trainer = keras.Sequential([keras.Input((64, 64, 1)), augmentation, model], name="entrenador")
    trainer.compile(keras.optimizers.AdamW(schedule, weight_decay=0.01), loss, metrics=["accuracy"])

# %%
trainer.fit(
    batches,
    validation_data=Batches(x_train[val], targets[val], batch_size, s.seed),
    initial_epoch=resume(trainer, run),
    epochs=s.epochs,
    class_weight=dict(enumerate(len(train) / len(names) / np.bincount(y_train[train]))),
    callbacks=callbacks(run, batches, seed=s.seed),
)
augmentation, model = alone(trainer).layers  # con varios procesos, los demás terminan aquí

# %% [markdown]
# ## 5. El umbral
#
# La red da una probabilidad; alguien decide desde cuál se avisa. **Sensibilidad**: de los enfermos,
# cuántos encuentra (en detección se llama exhaustividad). **Especificidad**: de los sanos, a
# cuántos deja en paz. Con otro umbral se gana una y se pierde la otra; todas las parejas juntas son
# la curva **ROC**, y el área bajo ella (AUC) no depende del umbral.
#
# `choose_threshold` toma el que da el mejor promedio de las dos, **con pacientes apartados del
# entrenamiento**: elegirlo con la prueba sería hacer trampa. Se lo mostramos deformado como al
# entrenar, tres veces cada imagen: así hay más casos cerca del límite, y el umbral no depende de
# unas pocas imágenes limpias, más fáciles que las de otro hospital.


# %%
def illness(images):
    return 1 - model.predict(images, verbose=0)[:, 0]


sick, clean = y_train[val] > 0, illness(x_train[val])
thrice = augmentation(np.tile(x_train[val].astype("float32"), (3, 1, 1, 1)), training=True)
threshold = choose_threshold(np.tile(sick, 3), illness(thrice))
found, spared = (clean[sick] >= threshold).mean(), (clean[~sick] < threshold).mean()
print(f"Umbral: {percent(threshold, 1)}. En la validación, sensibilidad {percent(found, 1)} y")
print(f"especificidad {percent(spared, 1)}")

# %% [markdown]
# ## 6. Transferir: primero congelada, luego descongelada
#
# Una red que aprendió a clasificar un millón de fotografías ya sabe buscar bordes, texturas y
# formas. Le quitamos la última capa y le ponemos una nueva, con dos clases.
#
# 1. **Congelada.** Solo aprende la capa nueva. Sus primeros gradientes son grandes y ciegos: si
#    pudieran, borrarían lo que la red ya sabe.
# 2. **Descongelada.** Ahora aprenden también las últimas capas, con una tasa de aprendizaje cien
#    veces menor. Lo que puede aprender se fija en `compile`: por eso hay que llamarlo de nuevo.
#
# Cada red espera sus píxeles a su manera (VGG19: azul, verde, rojo, menos una media). Esa cuenta
# va dentro del modelo, en la capa `preprocess`; nosotros le damos grises de 0 a 255, esta vez de
# 128×128. Sin una GPU tarda mucho, y con pesos al azar no habría nada que transferir: por eso esta
# parte se puede saltar. Todavía no la hemos medido. Aprende en una sola GPU, aunque haya varias.

# %%
loss = "sparse_categorical_crossentropy"
weights = s.weights or ("imagenet" if accelerators() and not drawn else "none")
if weights == "none":
    print(f"{s.backbone} se salta: faltan sus pesos, o una GPU (--weights imagenet la usa igual)")
else:
    large = chest_xray.load_data(s.source, size=128)[0][0][: s.limit, ..., None]
    borrowed = transfer_classifier((128, 128, 1), len(names), s.backbone, weights)
    for name, last, rate in (("congelada", 0, 1e-3), ("descongelada", 4, 1e-5)):
        learning = thaw(borrowed, last=last)
        borrowed.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
        borrowed.fit(Batches(large[train], y_train[train], 32, s.seed), epochs=2, verbose=2)
        _, accuracy = borrowed.evaluate(large[val], y_train[val], verbose=0)
        print(f"{name}: aprenden la salida y {len(learning)} capas; validación {percent(accuracy)}")

# %% [markdown]
# ### Qué se gana, medido sin internet
#
# Transferir también se puede ver en pequeño, con los dígitos de scikit-learn. Una `cnn` aprende a
# leer del 0 al 4. Después se congela todo menos su salida, y esa salida nueva aprende del 5 al 9,
# que la red no vio jamás, con 1, 2, 5, 10, 20 o 50 ejemplos de cada dígito. Al lado, la misma red
# aprende lo mismo **desde cero**, con las mismas 30 épocas.

# %%
(d_train, t_train), (d_test, t_test) = mnist.load_data("sample")


def small(known=None):
    layers = known or cnn((28, 28, 1), 5, filters=(16, 32, 64)).layers[:-1]
    output = keras.layers.Dense(5, activation="softmax")
    network = keras.Sequential([keras.Input((28, 28, 1)), *layers, output])
    network.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    return network


# %%
old, fresh = np.flatnonzero(t_train < 5), np.flatnonzero(t_test >= 5)
exam = d_test[fresh][..., None], t_test[fresh] - 5
teacher = small()
teacher.fit(d_train[old][..., None], t_train[old], batch_size=32, epochs=6, verbose=0)
teacher.trainable = False
curves = {"sabe del 0 al 4, congelada": {}, "desde cero": {}}
for n in (1, 2, 5, 10, 20, 50):
    few = np.concatenate([np.flatnonzero(t_train == digit)[:n] for digit in range(5, 10)])
    for name, network in zip(curves, (small(teacher.layers[:-1]), small()), strict=True):
        x, y = d_train[few][..., None], t_train[few] - 5
        network.fit(x, y, batch_size=16, epochs=s.transfer_epochs, verbose=0)
        _, curves[name][n] = network.evaluate(*exam, verbose=0)
    print(f"{n:2} de cada uno:", *(f"{percent(c[n], 1)} {name}" for name, c in curves.items()))
title = f"Transferir o partir de cero — {origin('mnist', 'sample').title}"
figures.show(figures.few_examples(curves, title=title), run / "figures" / "transferir.png")

# %% [markdown]
# Mira dónde se juntan las curvas. En cinco corridas con la muestra, con 1 ejemplo de cada dígito la
# red que ya sabe de otros (bordes, curvas, puntas) acierta de 68 % a 74 %, y la que parte de cero
# de 24 % a 63 %, según la semilla. Desde 5 ejemplos se acercan, y con 10 o 20 la que aprende entera
# va hasta 6 puntos por delante: la congelada solo tiene lo que necesitó para leer del 0 al 4.
# Transferir ahorra ejemplos donde hay muy pocos; con más, conviene descongelar.

# %% [markdown]
# **Ejercicio 5.1. Píxeles como los espera VGG19.** Una red prestada aprendió con píxeles
# preparados de una manera, y hay que prepararlos igual. VGG19 espera los canales en orden azul,
# verde, rojo, y a cada uno le resta la media de ese color en ImageNet: `103.939` al azul, `116.779`
# al verde y `123.68` al rojo. No divide por nada. Escribe `for_vgg19(image)` para una imagen en
# rojo, verde, azul de 0 a 255, de forma (alto, ancho, 3).


# %% tags=["ejercicio"]
def for_vgg19(image):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5.1").comprobar(for_vgg19)

# %% [markdown]
# **Ejercicio 5.2. Congelada y descongelada, en números.** Una red prestada tiene convoluciones de
# 3x3 con sesgo; `channels` son sus canales, de la entrada en adelante: [3, 8, 16] son dos
# convoluciones, de 3 a 8 y de 8 a 16. Después se promedia cada canal, y una capa densa con sesgo,
# nueva, da `classes` salidas. Escribe `learning_parameters(channels, classes, last)`, que
# devuelve dos números: cuántos parámetros aprenden si se descongelan las últimas `last`
# convoluciones (la capa nueva aprende siempre), y cuántos quedan congelados.


# %% tags=["ejercicio"]
def learning_parameters(channels, classes, last):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5.2").comprobar(learning_parameters)

# %% [markdown]
# ## 7. Qué aprendió
#
# ¿Mira los pulmones, o se guía por otra cosa? Se lo preguntamos de dos maneras, en los cuatro
# enfermos de validación que encuentra con menos seguridad: donde está segura del todo, tapar un
# pedazo no cambia nada. **Grad-CAM**, del Taller 2: qué partes de los últimos mapas hablan a
# favor de la clase. **Oclusión**, del Taller 3: cuánto baja la probabilidad si tapamos un
# cuadrado. Una nota alta no garantiza nada: ha habido redes que se guiaban por la marca de metal
# que cada hospital pone en sus radiografías (Zech y otros, 2018). Aquí las letras, la R o la L,
# están en el borde: si el mapa se enciende ahí, la red lee letras.
#
# Con las radiografías, las dos no nos dieron la misma respuesta. Grad-CAM señaló el pulmón, y
# también bordes y marcas; pero usa un solo peso por mapa, y en una red que los aplana eso es tosco.
# Tapar sí mide lo que hace la red: lo que más bajó la probabilidad fue el centro del tórax, junto
# al corazón, y no las letras. Cuando dos explicaciones no coinciden, se muestran las dos.

# %%
few = val[np.argsort(np.where(sick & (clean >= threshold), clean, np.inf))][:4]
pictures, labels = x_train[few], y_train[few]
pairs, called = list(zip(pictures, labels, strict=True)), [names[label] for label in labels]
maps = [explain.grad_cam(model, x, int(y)) for x, y in pairs]
figure = figures.grad_cam(pictures, maps, called, title=f"Qué mira: Grad-CAM — {data.title}")
figures.show(figure, run / "figures" / "grad_cam.png")
maps = [explain.occlusion(model, x, int(y), patch=12, stride=4) for x, y in pairs]
figure = figures.occlusion(pictures, maps, called, title=f"Y si tapamos una parte — {data.title}")
figures.show(figure, run / "figures" / "oclusion.png")

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 5.3. Por qué congelar.** Hay 160 radiografías y una red prestada con 20 millones de
# pesos. ¿Por qué se entrena primero solo la capa nueva?
#
# a) Porque Keras no permite entrenar una red prestada.
#
# b) Porque la capa nueva empieza al azar, y sus errores echarían a perder lo aprendido.
#
# c) Porque las capas prestadas ya conocen las radiografías.

# %% tags=["ejercicio"]
ejercicio("5.3").comprobar(...)

# %% [markdown]
# **Ejercicio 5.4. Una validación demasiado buena.** Los pacientes de validación tampoco se vieron
# al entrenar. La AUC es 0,99 con ellos y 0,97 en la prueba oficial. ¿Qué nota le darías a un
# hospital que quiere usar la red?
#
# a) 0,99: la validación separa pacientes, así que no hay trampa.
#
# b) El promedio de las dos, 0,98.
#
# c) Ninguna de las dos: 0,97, o menos, hasta medirla con sus propios pacientes.

# %% tags=["ejercicio"]
ejercicio("5.4").comprobar(...)

# %% [markdown]
# **Ejercicio 5.5. Una alarma y su respuesta.** Un programa avisa de un tumor en una mamografía. La
# enfermedad es rara y el programa encuentra casi todos los tumores. ¿Qué dice un aviso?
#
# a) Que casi seguro hay un tumor.
#
# b) Que vale la pena mirar: muchos avisos pueden ser falsos, y decide una persona.
#
# c) Nada: un programa que se equivoca no sirve.

# %% tags=["ejercicio"]
ejercicio("5.5").comprobar(...)

# %% [markdown]
# ## 8. Cuánto acierta y dónde falla
#
# La prueba oficial, con la red y el umbral ya elegidos. Compara las dos curvas de `dos_partes.png`:
# con las radiografías la de la prueba queda más abajo, aunque los pacientes de validación tampoco
# se vieron. No es el sobreajuste de siempre: la prueba viene de **otra distribución**, con otra
# mezcla de casos, y eso no lo descubre ninguna validación sacada del entrenamiento. En otro
# hospital puede pasar otra vez.
#
# Los intervalos del informe cuentan cada paciente una vez, no cada imagen. Mira en él la curva ROC
# y la **calibración**: de las imágenes a las que dio 80 %, ¿eran enfermos 80 de cada 100?
#
# ### ¿Por qué aprendizaje profundo en salud?
#
# Porque puede ver patrones sutiles, leer en minutos lo que a una persona le toma horas, dar una
# segunda opinión y llegar donde no hay especialistas. Pero cada enfermo que se escapa es un
# diagnóstico tardío, y cada falsa alarma, un examen de más y una persona asustada. Si la enfermedad
# es rara, aun una buena red da más falsas alarmas que aciertos: con 1 enfermo en 100, 90 % de
# sensibilidad y 90 % de especificidad, solo 1 de cada 12 avisos es verdadero. La nota vale además
# para pacientes como los de la prueba. Y «neumonía» contra «sano» no es la pregunta de un médico,
# que tiene al niño delante, con su fiebre y con otras enfermedades posibles. Por eso la red
# propone, y responde quien firma el diagnóstico y quien decidió usarla.

# %%
curves = {
    "pacientes de validación": two_classes.roc(sick, clean)[:2],
    "prueba oficial": two_classes.roc(y_test > 0, illness(x_test))[:2],
}
figure = figures.roc_curves(curves, title=f"Enfermo o sano, con cada umbral — {data.title}")
figures.show(figure, run / "figures" / "dos_partes.png")
whose = {"groups": who_test, "group_noun": ("paciente", "pacientes")}
sought = {"positive": names[1], "threshold": threshold} if len(names) == 2 else {}
report = evaluate_classifier(
    model, x_test, y_test, class_names=names, origin=data, **whose, **sought
)
export(model, run, card=report.card(preparation="square", seed=s.seed))
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 9. Para probar
#
# 1. Quita la capa `LayerNormalization` y la que le sigue. ¿Qué promete la validación, y qué dice la
#    prueba?
# 2. Deja en `augmentation` solo `RandomFlip`. ¿Sigue mirando lo mismo en `oclusion.png`?
# 3. Si perder a un enfermo cuesta diez veces más que una falsa alarma, ¿qué umbral pedirías? ¿Con
#    qué pacientes lo elegirías, y a quién le preguntarías?
# 4. Con las radiografías: ¿bacteria o virus? Pide `--classes 3` (en un cuaderno, `classes=3`). ¿Se
#    distinguen tan bien como sanos y enfermos? ¿Qué promete ahora la validación?
# 5. Usa otra red prestada: `--weights imagenet --backbone MobileNetV2`. ¿Cuántos parámetros tiene?
#    ¿Y si descongelas todo desde el comienzo, con una tasa de aprendizaje de 1e-3?
