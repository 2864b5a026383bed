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
# # Taller 5 · Transferir lo aprendido y detectar objetos
#
# **Meta.** Las dos tareas de las diapositivas de medicina que aún faltan. *Clasificar* con una
# red que ya aprendió de un millón de fotografías, como Alshmrani y otros (2023) con VGG19 y
# radiografías de tórax. Y *detectar*: decir qué hay y dónde, como Ribli y otros (2018) con
# mamografías.
#
# **Qué esperar.** Con `--source sample` (tórax dibujados y dígitos de scikit-learn, sin descargar
# nada), en unos 3 minutos con 2 núcleos de CPU: precisión y exhaustividad de 94 % a 97 % en
# los lienzos de prueba; una red que ya sabe leer del 0 al 4 aprende del 5 al 9 en pocos
# pasos; y cerca de 50 % con los tórax, porque allí VGG19 parte con pesos al azar y no hay nada
# que transferir. Con MNIST y con los pesos de ImageNet no lo hemos medido todavía.
#
# **Lo que no es.** Los tórax de este taller son elipses que dibuja el programa. No son
# radiografías, no hay pacientes, y ninguna nota de aquí dice nada sobre medicina.

# %% [markdown]
# ## 1. Lo que importamos
#
# En tu computador el paquete se instala antes (`pip install -e .`, en su carpeta); en Kaggle y en
# Colab lo trae la primera celda.

# %%
import keras
import numpy as np

from course import explain, figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import mnist, splits
from course.datasets.batches import Batches
from course.datasets.catalog import origin
from course.datasets.samples import canvases, chests
from course.evaluation import evaluate_classifier
from course.exercises import ejercicio
from course.export import export
from course.inference import detection
from course.models import cnn, thaw, transfer_classifier
from course.spanish import percent
from course.training import Setting, callbacks, resume, run_dir, set_seed, settings

# %% [markdown]
# ## 2. Ajustes
#
# `backbone` es la red que se toma prestada y `weights` lo que ya aprendió: `imagenet` (Keras lo
# descarga una vez), un archivo, o `none`: pesos al azar. Con `--source sample` no se descarga
# nada, tampoco los pesos; desde un cuaderno, agrega `source="sample"`.

# %%
s = settings(
    backbone=Setting("VGG19", "la red que se toma prestada"),
    weights=Setting("imagenet", "lo que ya aprendió: imagenet, un archivo o none"),
    chest_epochs=Setting(2, "épocas con los tórax dibujados"),
    transfer_epochs=Setting(30, "épocas con pocos ejemplos de los dígitos 5 a 9"),
    epochs=8,
    batch_size=64,
    learning_rate=3e-3,
)
set_seed(s.seed)
run = run_dir("taller5_aplicaciones", s)

# %% [markdown]
# ## 3. Tórax dibujados
#
# La mitad tiene una mancha clara en un pulmón. La exposición, las costillas y el tamaño cambian
# de una imagen a otra, así que el brillo medio no basta para distinguirlas.

# %%
(x_train, y_train), (x_test, y_test) = chests.load_data(n_train=160, n_test=80, seed=s.seed)
x_train, y_train, x_test, y_test = (a[: s.limit] for a in (x_train, y_train, x_test, y_test))

figure = figures.samples(
    x_train, y_train, chests.CLASS_NAMES, title=f"Tórax con y sin mancha — {chests.ORIGIN.title}"
)
figures.show(figure, run / "figures" / "torax.png")

# %% [markdown]
# ## 4. Transferir: primero congelada, luego descongelada
#
# Una red que aprendió a clasificar fotografías ya sabe buscar bordes, texturas y formas. Le
# quitamos la última capa y le ponemos una nueva, con dos clases.
#
# 1. **Congelada.** Solo aprende la capa nueva. Sus primeros gradientes son grandes y ciegos: si
#    pudieran, borrarían lo que la red ya sabe.
# 2. **Descongelada.** Ahora aprenden también las últimas capas, con una tasa de aprendizaje cien
#    veces menor. Lo que puede aprender se fija en `compile`: por eso hay que llamarlo de nuevo.
#
# Cada red espera sus píxeles a su manera (VGG19: azul, verde, rojo, menos una media). Esa cuenta
# va dentro del modelo, en la capa `preprocess`; nosotros le damos grises de 0 a 255.

# %%
weights = None if s.source == "sample" or s.weights == "none" else s.weights
print(f"{s.backbone}, pesos: {weights or 'al azar; no se transfiere nada'}")
borrowed = transfer_classifier((64, 64, 1), 2, backbone=s.backbone, weights=weights)

for name, last, rate in (("congelada", 0, 1e-3), ("descongelada", 4, 1e-5)):
    learning = thaw(borrowed, last=last)
    borrowed.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    batches = Batches(x_train[..., None], y_train, 16, s.seed)
    borrowed.fit(batches, epochs=s.chest_epochs, verbose=2)
    print(f"{name}: aprenden la salida y {len(learning)} capas prestadas")

_, accuracy = borrowed.evaluate(x_test[..., None], y_test, verbose=0)
print(f"Tórax dibujados, prueba: {percent(accuracy, 1)} de {len(x_test)} (al azar: 50 %)")

# %% [markdown]
# Si los pesos eran al azar, la nota se queda cerca de la de lanzar una moneda. Es lo que cabía
# esperar: no había nada que transferir, y 20 pasos de una capa nueva más 20 pasos diminutos casi
# no cambian la red. Que no se pueda aprender no lo dice: una regresión logística sobre los
# píxeles de estos mismos tórax acierta dos de cada tres.
#
# Y si acierta, ¿mira la mancha? **Grad-CAM**, el del Taller 2, entra también en la red prestada:
# claro es lo que habla a favor de «con mancha». Una nota alta no lo garantiza: ha habido redes
# que se guiaban por la marca de metal que cada hospital pone en sus radiografías (Zech y otros,
# 2018). Con pesos al azar el mapa vale lo que la nota: nada.

# %%
spots = np.flatnonzero(y_test == 1)[:3]
figure = figures.grad_cam(
    x_test[spots],
    [explain.grad_cam(borrowed, x_test[i][..., None], target=1) for i in spots],
    ["a favor de «con mancha»"] * len(spots),
    title=f"¿Mira la mancha? — {chests.ORIGIN.title}",
)
figures.show(figure, run / "figures" / "mancha.png")

# %% [markdown]
# ### Qué se gana, medido sin internet
#
# Transferir también se puede ver en pequeño. Una `cnn` aprende a leer del 0 al 4. Después se
# congela todo menos su salida, y esa salida nueva aprende del 5 al 9, que la red no vio jamás,
# con 1, 2, 5, 10 o 50 ejemplos de cada dígito. Al lado, la misma red aprende lo mismo **desde
# cero**, con las mismas 30 épocas.

# %%
(d_train, t_train), (d_test, t_test) = mnist.load_data(s.source)
data = origin("mnist", s.source)


def small(teacher=None):
    network = cnn((28, 28, 1), 5, filters=(16, 32, 64))
    if teacher:
        for layer, known in zip(network.layers[:-1], teacher.layers[:-1], strict=True):
            layer.set_weights(known.get_weights())
            layer.trainable = False
    network.compile(
        keras.optimizers.Adam(s.learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


# %%
old, fresh = np.flatnonzero(t_train < 5)[:5000], np.flatnonzero(t_test >= 5)
teacher = small()
teacher.fit(d_train[old][..., None], t_train[old], batch_size=32, epochs=6, verbose=0)
curves = {"sabe del 0 al 4, congelada": {}, "desde cero": {}}
for n in (1, 2, 5, 10, 50):
    few = np.concatenate([np.flatnonzero(t_train == digit)[:n] for digit in range(5, 10)])
    for name, network in zip(curves, (small(teacher), small()), strict=True):
        x, y = d_train[few][..., None], t_train[few] - 5
        network.fit(x, y, batch_size=16, epochs=s.transfer_epochs, verbose=0)
        _, curves[name][n] = network.evaluate(
            d_test[fresh][..., None], t_test[fresh] - 5, verbose=0
        )
figure = figures.few_examples(curves, title=f"Transferir o partir de cero — {data.title}")
figures.show(figure, run / "figures" / "transferir.png")
for n in curves["desde cero"]:
    print(f"{n:2} de cada uno:", *(f"{percent(c[n], 1)} {name}" for name, c in curves.items()))

# %% [markdown]
# Mira dónde se juntan las curvas. Con 1 ejemplo de cada dígito, la red que ya sabe de otros
# (bordes, curvas, puntas) va por delante: 74 % contra 61 % en una corrida con la muestra, 72 %
# contra 24 % en otra. Desde 5 o 10 ejemplos dan lo mismo.
#
# ¿Le faltan ejemplos a la que parte de cero, o le falta entrenamiento? Con 1 ejemplo de cada uno,
# 30 épocas son solo 30 pasos. Con 200 pasos casi alcanza a la otra (71 % contra 72 %): en dígitos
# tan parejos, transferir ahorra sobre todo entrenamiento. Lo que promete VGG19, ahorrar también
# ejemplos, hay que medirlo con imágenes de verdad.

# %% [markdown]
# **Ejercicio 5.1. Píxeles como los espera VGG19.** Una red prestada aprendió con píxeles
# preparados de una manera, y hay que prepararlos igual. VGG19 espera los canales en orden azul,
# verde, rojo, y a cada uno le resta la media de ese color en ImageNet: 103.939 al azul, 116.779
# al verde y 123.68 al rojo. No divide por nada. Escribe `for_vgg19(image)` para una imagen en
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
# ## 5. Detectar: dígitos en un lienzo
#
# En una detección la respuesta es una lista de **cajas**, cada una con su clase y su
# probabilidad. Esparcimos dígitos sobre lienzos con ruido, y de los lienzos cortamos ventanas de
# 30×30 para entrenar: unas con un dígito, algo corrido, y otras sin ninguno. La clase 10 es el
# *fondo*. Los lienzos de prueba se hacen solo con dígitos de prueba.

# %%
d_train, t_train, d_test, t_test = (a[: s.limit] for a in (d_train, t_train, d_test, t_test))
names = [*mnist.CLASS_NAMES, "fondo"]
background = names.index("fondo")

train, val = splits.stratified(t_train, fraction=0.1, seed=s.seed)
x, y = canvases.windows(
    *canvases.scatter(d_train[train], t_train[train], 500, seed=s.seed), background, seed=s.seed
)
x_val, y_val = canvases.windows(
    *canvases.scatter(d_train[val], t_train[val], 50, seed=s.seed + 1), background, seed=s.seed
)
scenes, frames, digits = canvases.scatter(d_test, t_test, 60, seed=s.seed + 2)

figure = figures.samples(x, y, names, title=f"Ventanas para entrenar — {data.title}")
figures.show(figure, run / "figures" / "ventanas.png")

# %% [markdown]
# ## 6. Entrenar con ventanas, mirar el lienzo entero
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
model = cnn(
    (canvases.WINDOW, canvases.WINDOW, 1),
    len(names),
    filters=(16, 32, 64),
    dropout=0.1,
    padding="valid",
)
batches = Batches(x[..., None], y, s.batch_size, s.seed)
model.compile(
    keras.optimizers.Adam(s.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.fit(
    batches,
    validation_data=(x_val[..., None], y_val),
    initial_epoch=resume(model, run),
    epochs=s.epochs,
    callbacks=callbacks(run, batches, seed=s.seed),
)
heat, window, stride = detection.fully_convolutional(model)
maps = heat.predict(scenes[..., None], verbose=0)
print(f"Lienzo de {scenes[0].shape} píxeles, mapa de {maps[0].shape[:2]}, un paso de {stride}")

# %% [markdown]
# ## 7. Qué aprendió
#
# Un dígito enciende varias ventanas vecinas. La **supresión de no máximos** deja la más segura y
# quita las que se le superponen; cuánto se superponen dos cajas lo dice la **IoU**: lo que
# comparten dividido por lo que cubren juntas.


# %%
def find(heat_map):
    boxes, scores, classes = detection.boxes_of_map(heat_map, window, stride, background)
    kept = detection.non_maximum_suppression(boxes, scores, threshold=0.3)
    return boxes[kept], scores[kept], classes[kept]


boxes, scores, classes = find(maps[0])
figure = figures.detections(
    scenes[0],
    1 - maps[0][..., background],
    [
        (box, f"{names[c]} · {percent(min(p, 0.99), 0)}")
        for box, c, p in zip(boxes, classes, scores, strict=True)
    ],
    frames[0],
    title=f"Lo que la red encuentra en un lienzo — {data.title}",
)
figures.show(figure, run / "figures" / "cajas.png")

# %% [markdown]
# **Ejercicio 5.3. La IoU de dos cajas.** Escribe `box_iou(a, b)`: lo que comparten dos cajas,
# dividido por lo que cubren juntas. Una caja es (arriba, izquierda, abajo, derecha) en píxeles, y
# se corta con imagen[arriba:abajo, izquierda:derecha], de modo que su alto es abajo - arriba. Las
# cajas que no se tocan dan 0.


# %% tags=["ejercicio"]
def box_iou(a, b):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5.3").comprobar(box_iou)

# %% [markdown]
# **Ejercicio 5.4. Supresión de no máximos.** Escribe `suppress(overlaps, scores, threshold)`: los
# índices de las cajas que quedan, de la más segura a la menos. `scores` es la probabilidad de
# cada caja y `overlaps[i, j]` la IoU de las cajas i y j. Queda la más segura y se quitan las que
# tienen con ella una IoU mayor que `threshold`; después, lo mismo con las que aún están, hasta
# que no haya más.


# %% tags=["ejercicio"]
def suppress(overlaps, scores, threshold):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5.4").comprobar(suppress)

# %% [markdown]
# ## 8. Cuánto acierta y dónde falla
#
# Una caja es correcta si su dígito lo es y su IoU con la verdadera llega a 0,5; dos cajas sobre
# el mismo dígito cuentan como un acierto y un error. **Precisión**: de lo que encontró, cuánto es
# correcto. **Exhaustividad** (*recall*): de lo que había, cuánto encontró. El informe, en cambio,
# juzga a la red como clasificador de dígitos centrados de 28×28, con un píxel de fondo alrededor:
# compara las dos notas.
#
# ### ¿Por qué aprendizaje profundo en salud?
#
# Porque puede ver patrones sutiles, leer en minutos lo que a una persona le toma horas, dar una
# segunda opinión y llegar donde no hay especialistas. Pero en medicina la exhaustividad se llama
# **sensibilidad** y tiene un precio: cada lesión que se escapa es un diagnóstico tardío, y cada
# falsa alarma, un examen de más y una persona asustada. Si la enfermedad es rara, aun una buena
# red da más falsas alarmas que aciertos: con 1 enfermo en 100, 90 % de sensibilidad y 10 % de
# falsas alarmas, solo 1 de cada 12 avisos es verdadero. La nota vale además para pacientes como
# los del conjunto de prueba, no para los de otro hospital ni otra máquina. Por eso la red
# propone, y responde quien firma el diagnóstico y quien decidió usarla.

# %% [markdown]
# **Ejercicio 5.5. Precisión y exhaustividad según el umbral.** Escribe `scores_at(threshold,
# scores, matched, there)`, que devuelve la precisión y la exhaustividad si solo se toman las
# cajas con probabilidad `threshold` o más. `scores` es la probabilidad de cada caja encontrada y
# `matched` el índice del objeto verdadero que le corresponde, o -1 si es falsa; `there`, cuántos
# objetos verdaderos había.


# %% tags=["ejercicio"]
def scores_at(threshold, scores, matched, there):
    # Escribe aquí tu respuesta.
    ...


ejercicio("5.5").comprobar(scores_at)

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 5.6. Por qué congelar.** Hay 160 radiografías y una red prestada con 20 millones de
# pesos. ¿Por qué se entrena primero solo la capa nueva?
#
# a) Porque Keras no permite entrenar una red prestada.
#
# b) Porque la capa nueva empieza al azar, y sus errores echarían a perder lo aprendido.
#
# c) Porque las capas prestadas ya conocen las radiografías.

# %% tags=["ejercicio"]
ejercicio("5.6").comprobar(...)

# %% [markdown]
# **Ejercicio 5.7. Mover el umbral.** Un detector marca lo que tiene una probabilidad de 0,5 o más.
# Si subes el umbral a 0,8, ¿qué puede pasar con la exhaustividad?
#
# a) Solo subir.
#
# b) Subir o bajar.
#
# c) Bajar o quedar igual.

# %% tags=["ejercicio"]
ejercicio("5.7").comprobar(...)

# %% [markdown]
# **Ejercicio 5.8. Una alarma y su respuesta.** Un programa avisa de un tumor en una mamografía. La
# enfermedad es rara y el programa encuentra casi todos los tumores. ¿Qué dice un aviso?
#
# a) Que casi seguro hay un tumor.
#
# b) Que vale la pena mirar: muchos avisos pueden ser falsos, y decide una persona.
#
# c) Nada: un programa que se equivoca no sirve.

# %% tags=["ejercicio"]
ejercicio("5.8").comprobar(...)

# %%
right = found = 0
for heat_map, true_boxes, true_digits in zip(maps, frames, digits, strict=True):
    boxes, scores, classes = find(heat_map)
    matched = detection.match(boxes, scores, classes, true_boxes, true_digits)
    right, found = right + int(np.sum(matched >= 0)), found + len(boxes)
there = sum(len(true_boxes) for true_boxes in frames)
precision, recall = detection.precision_recall(right, found, there)
print(f"{there} dígitos en {len(scenes)} lienzos: {found} cajas, {right} correctas")
print(f"precisión {percent(precision or 0, 1)}, exhaustividad {percent(recall, 1)}")

centred = keras.Sequential(
    [keras.Input((28, 28, 1)), keras.layers.ZeroPadding2D(1), model], name="digitos"
)
report = evaluate_classifier(centred, d_test, t_test, class_names=names, origin=data)
scores = {**report.scores, "precision": precision, "recall": recall}
export(centred, run, card=report.card(preparation="digit", scores=scores, seed=s.seed))
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 9. Para probar
#
# 1. Cambia el umbral de `boxes_of_map` (0,5) por 0,2 y por 0,9. ¿Qué pasa con la precisión y con
#    la exhaustividad? Dibuja una contra la otra. ¿Con qué lienzos debes elegir el umbral?
# 2. Quita la supresión de no máximos. ¿Cuál de las dos notas se hunde, y por qué solo esa?
# 3. Entrena con `shift=0` en `canvases.windows`. El mapa avanza de 8 en 8 píxeles: ¿qué dígitos
#    se pierden ahora?
# 4. Usa otra red prestada: `--backbone MobileNetV2`. ¿Cuántos parámetros tiene? ¿Y si descongelas
#    todo desde el comienzo, con una tasa de aprendizaje de 1e-3?
# 5. Un sistema que ayuda a leer mamografías marca zonas sospechosas. ¿Qué error es más grave
#    allí, una caja de más o una de menos? ¿Qué umbral pedirías, y a quién le preguntarías?
