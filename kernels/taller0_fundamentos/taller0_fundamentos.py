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
# # Taller 0 · Los fundamentos, con NumPy
#
# **Meta.** Ejecutar las diapositivas: funciones de activación, el perceptrón multicapa, la
# retropropagación, las pérdidas, la aproximación universal, la convolución, el *padding* y el
# *max-pooling*. Primero cada cosa en unas pocas líneas de NumPy que se pueden leer; al final, la
# misma red en Keras, para ver que no hay nada escondido.
#
# **Qué esperar.** Menos de un minuto con 2 núcleos de CPU y nada que descargar: los dígitos
# vienen con scikit-learn. De los que nunca vio, la red de NumPy acierta alrededor del 97 % (entre
# 95,8 % y 97,2 % con tres semillas, en 359 dígitos).

# %% [markdown]
# ## 1. Lo que importamos
#
# De `course.foundations` viene todo lo que está escrito en NumPy; abre esos archivos junto a esta
# lección, son cortos. En tu computador el paquete se instala antes (`pip install -e .`, en su
# carpeta); en Kaggle y en Colab lo trae la primera celda.

# %%
import keras
import numpy as np

from course import figures  # ¿falta course? En su carpeta: pip install -e .
from course.datasets import mnist, splits
from course.datasets.batches import Batches
from course.datasets.catalog import origin
from course.evaluation import evaluate_classifier
from course.exercises import ejercicio
from course.export import export
from course.foundations.activations import activation
from course.foundations.approximation import FUNCTIONS, best_output, largest_error, staircase
from course.foundations.backprop import MLP, numerical_gradients
from course.foundations.convolution import SLIDE_IMAGE, SLIDE_KERNEL, convolve, max_pool, pad
from course.foundations.losses import binary_crossentropy, categorical_crossentropy, squared_error
from course.spanish import number, percent
from course.training import all_devices, alone, callbacks, resume, run_dir, set_seed, settings

# %% [markdown]
# ## 2. Ajustes
#
# En un terminal son opciones (`--epochs 10`), en cualquier parte son variables
# (`COURSE_EPOCHS=10`), y en un cuaderno basta con cambiar el número aquí mismo. Todo el azar sale
# de `seed`. Este taller, como el 6, no descarga nada si no se lo pides (`source="sample"`); con
# `--source kaggle` la red de NumPy aprende de MNIST.

# %%
s = settings(source="sample", epochs=30, batch_size=32, learning_rate=0.3)
set_seed(s.seed)
run = run_dir("taller0_fundamentos", s)

# %% [markdown]
# ## 3. Funciones de activación
#
# Una neurona suma sus entradas, cada una por su peso, y pasa la suma $z$ por una función
# $\phi(z)$. Sin ella, muchas capas seguidas serían una sola función lineal. Estas son las ocho de
# la tabla de las diapositivas, con su fórmula y dónde se usan. La retropropagación necesita la
# derivada: mira dónde vale cero. Ahí una neurona no recibe noticias del error. Con el escalón y el
# signo no se aprende nunca de este modo; con la sigmoide y la tangente hiperbólica, casi nada
# lejos del cero; con ReLU, nada a la izquierda del cero.

# %%
figure = figures.activations(title="Las funciones de activación y sus derivadas")
figures.show(figure, run / "figures" / "activaciones.png")
print("Escalón en −2, 0 y 2:", *[number(y, 1) for y in activation("heaviside")([-2, 0, 2])])
print("Sigmoide en −1000 y 1000, sin desbordarse:", activation("sigmoid")([-1000, 1000]))

# %% [markdown]
# Los ejercicios se corrigen solos: escribe tu respuesta donde están los puntos y ejecuta la
# celda. Si te trabas, `ejercicio("0.1").pista()` da una pista, y la segunda vez otra;
# `ejercicio("0.1").solucion()` muestra una respuesta correcta.
#
# **Ejercicio 0.1. Softplus que no se desborda.** Escribe `softplus(z)`, la última fila de la
# tabla: ln(1 + e^z) para cada número del arreglo `z`. También debe responder bien muy lejos del
# cero, en 1000 y en -1000, donde e^z no cabe en un número de la máquina o se vuelve cero.


# %% tags=["ejercicio"]
def softplus(z):
    # Escribe aquí tu respuesta.
    ...


ejercicio("0.1").comprobar(softplus)

# %% [markdown]
# ## 4. El perceptrón multicapa y la retropropagación
#
# La fórmula de la diapositiva, $g(x) = \gamma_2\left(\sum_j w_j^{[2]}\,\gamma_1\left(\sum_i
# w_{ij}^{[1]} x_i + w_{m+1,j}^{[1]}\right) + w_{\lambda+1}^{[2]}\right)$, son dos productos de
# matrices y dos activaciones. Las $m$ entradas $x_i$ llegan a $\lambda$ neuronas ocultas, la $j$
# con los pesos $w_{ij}^{[1]}$ y su sesgo $w_{m+1,j}^{[1]}$; $\gamma_1$ es la activación de todas
# ellas. La salida las suma con los pesos $w_j^{[2]}$ y el sesgo $w_{\lambda+1}^{[2]}$, y
# $\gamma_2$ es su activación. El problema **XOR** (uno u otro, pero no ambos) es el más pequeño
# que una neurona sola no puede resolver: ninguna recta separa sus dos clases.
#
# El gradiente se obtiene en dos fases. La de **avance** guarda las sumas y las salidas de cada
# capa. La de **retroceso** parte de la pérdida y vuelve capa por capa con la regla de la cadena:
# $\delta = \partial L / \partial z$. Para comprobarla movemos cada peso un poquito hacia ambos
# lados y miramos cuánto cambia la pérdida: lento, pero tan simple que es difícil equivocarse.
#
# Con el gradiente se da un **paso** cuesta abajo: $w(t+1) = w(t) - \alpha \nabla L$. La **tasa de
# aprendizaje** $\alpha$ dice cuán largo es: muy chica, se tarda demasiado; muy grande, se salta
# de un lado al otro del valle.

# %%
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
t = np.array([[0], [1], [1], [0]])
xor = MLP((2, 8, 1), activation="tanh", loss="binary_crossentropy", seed=s.seed)

loss, dW, db = xor.gradients(x, t)
numerical, _ = numerical_gradients(xor, x, t)
difference = max(np.abs(a - b).max() for a, b in zip(dW, numerical, strict=True))
print(f"Mayor diferencia entre la regla de la cadena y mover cada peso: {difference:.0e}")

line = np.linspace(-0.5, 1.5, 81)
plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
answers = {}
for step in range(1001):
    if step in (0, 10, 50, 1000):
        answers[f"paso {step}"] = xor.predict(plane).reshape(81, 81)
    loss = xor.step(x, t, learning_rate=1.0)  # w(t+1) = w(t) − α ∇L
    if step % 250 == 0:
        print(f"paso {step:4}   pérdida {number(loss, 4)}")
print("Respuestas a 00, 01, 10, 11:", *[number(y, 2) for y in xor.predict(x).ravel()])
figure = figures.decisions(x, t, answers, title="Lo que la red responde en cada lugar")
figures.show(figure, run / "figures" / "xor.png")

# %% [markdown]
# La pérdida depende de la tarea, y cada una va con su salida. Está en
# `course/foundations/losses.py`.
#
# - **Dos clases**, una sola salida con sigmoide: $L = -[t \ln y + (1-t) \ln(1-y)]$.
# - **Más clases**, una salida por clase con *softmax*: $L = -\sum t_i \ln y_i$.
# - **Regresión**, una salida lineal: $L = \tfrac12 (t-y)^2$.
#
# Las dos primeras se llaman **entropía cruzada**; la tercera, **error cuadrático**. Con **su**
# salida las tres tienen la misma derivada respecto de la última suma, $y - t$: lo que se
# respondió menos lo que era correcto. Con otra combinación, como la del ejercicio 0.2, no se
# simplifica.

# %%
one_example = {  # sus últimas sumas, y lo que era correcto
    binary_crossentropy: ([[2.0]], [[1]]),
    categorical_crossentropy: ([[2.0, 0.0]], [[1, 0]]),
    squared_error: ([[2.0]], [[1.0]]),
}
for loss, (sums, right) in one_example.items():
    value, slope = loss(sums, right)
    slopes = " ".join(number(each, 3) for each in slope[0])
    print(f"{loss.__name__:24}  pérdida {number(value, 3)}   derivada {slopes}")

# %% [markdown]
# Las dos primeras dan lo mismo: con dos clases, *softmax* es la sigmoide de la diferencia de las
# sumas.

# %% [markdown]
# **Ejercicio 0.2. El gradiente de una neurona.** Una neurona con sigmoide responde y =
# sigmoide(z), con z = w·x + b, y su pérdida es L = ½ (t - y)². Escribe `neuron_gradient(x, w, b,
# t)`, que devuelve dos cosas: la derivada de L respecto de cada peso de `w` (un arreglo) y
# respecto de `b` (un número).


# %% tags=["ejercicio"]
def neuron_gradient(x, w, b, t):
    # Escribe aquí tu respuesta.
    ...


ejercicio("0.2").comprobar(neuron_gradient)

# %% [markdown]
# ## 5. Aproximadores universales
#
# **Teorema.** Dada una función continua en un conjunto compacto (en una variable, un intervalo
# cerrado y acotado) y un error máximo, existe una red con *una* capa oculta que no lo supera,
# siempre que su activación sea continua y no sea un polinomio. Solo dice que **existe**: no
# cuántas neuronas hacen falta ni que el entrenamiento encuentre sus pesos.
#
# Aquí no entrenamos: construimos. En la **escalera**, cada neurona es un peldaño suave donde la
# función sube o baja. En la otra, las neuronas ocultas se eligen al azar y solo se calculan los
# mejores pesos de salida, por mínimos cuadrados.
#
# - G. Cybenko (1989), *Approximation by superpositions of a sigmoidal function*.
# - K. Hornik, M. Stinchcombe y H. White (1989), *Multilayer feedforward networks are universal
#   approximators*.
# - K. Hornik (1991), *Approximation capabilities of multilayer feedforward networks*.
# - M. Leshno, V. Ya. Lin, A. Pinkus y S. Schocken (1993), *Multilayer feedforward networks with a
#   nonpolynomial activation function can approximate any function*.

# %%
BUILDERS = {"escalera construida a mano": staircase, "salida óptima, ocultas al azar": best_output}
SIZES = [2**k for k in range(1, 9)]
errors = {
    name: {
        method: {n: largest_error(function, build(function, n)) for n in SIZES}
        for method, build in BUILDERS.items()
    }
    for name, function in FUNCTIONS.items()
}
figure = figures.approximation_errors(errors, title="Más neuronas ocultas, menos error")
figures.show(figure, run / "figures" / "aproximacion.png")

# %% [markdown]
# Ojo: los ejes son logarítmicos. La escalera avanza a paso parejo una vez que tiene peldaños
# suficientes: con el doble de neuronas, más o menos la mitad del error; en la punta, cerca de la
# cuarta parte. Con la mejor salida, las funciones suaves se alcanzan mucho más rápido; la esquina
# de $|2x-1|$, no. El teorema vale para las tres; la velocidad depende de la función.

# %% [markdown]
# ## 6. Convolución, *padding* y *max-pooling*
#
# El **kernel** recorre la imagen; en cada lugar se multiplica número por número y se suma. Los
# matemáticos llaman a esto **correlación cruzada**, porque en su convolución el kernel se gira
# antes en 180°. Como la red aprende sus kernels, da lo mismo: aprendería el girado. Los números
# son los de las diapositivas: el primer lugar da 4.

# %%
gif = figures.sliding_kernel(SLIDE_IMAGE, SLIDE_KERNEL, title="Una convolución, paso a paso")
figures.show_animation(gif, run / "figures" / "convolucion.gif")
print(convolve(SLIDE_IMAGE, SLIDE_KERNEL))

# %% [markdown]
# El **padding** rodea la imagen con ceros: así el resultado conserva el tamaño de la imagen y el
# borde también se mira. El kernel `sharpen` **realza**: cinco veces el centro menos sus cuatro
# vecinos. En la primera esquina de `photo`: 5·60 − 113 − 73 = 114. El **max-pooling** conserva el
# mayor de cada ventana de 2×2 y deja la mitad de cada lado: de la matriz de 4×4 quedan 8, 6 / 9, 9.

# %%
photo = [
    [60, 113, 56, 139, 85],
    [73, 121, 54, 84, 128],
    [131, 99, 70, 129, 127],
    [80, 57, 115, 69, 134],
    [104, 126, 123, 95, 130],
]
sharpen = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
print("Sin padding:", convolve(photo, sharpen).shape)
print("Con padding:", convolve(pad(photo), sharpen).shape)
print("Primera esquina:", number(convolve(pad(photo), sharpen)[0, 0], 0))
print(max_pool([[7, 3, 5, 2], [8, 7, 1, 6], [4, 9, 3, 9], [0, 8, 4, 5]]))

# %% [markdown]
# Con un dígito de verdad se ve qué hace cada uno: los bordes quedan más marcados, y con un cuarto
# de los píxeles todavía se lee.

# %%
(digits, _), _ = mnist.load_data("sample")
sharp = convolve(pad(digits[0]), sharpen)
figure = figures.side_by_side(
    {"Imagen": digits[0], "Realzada": sharp, "Max-pooling de la realzada": max_pool(sharp)},
    title=f"Realce y max-pooling — {origin('mnist', 'sample').title}",
)
figures.show(figure, run / "figures" / "realce.png")

# %% [markdown]
# **Ejercicio 0.3. El tamaño de una convolución.** Escribe `conv_size(size, kernel, stride=1,
# padding=0)`: cuántos números por lado tiene el resultado de pasar un kernel de `kernel`×`kernel`
# por una imagen de `size`×`size`, con `padding` ceros a cada lado y avanzando de `stride` en
# `stride` píxeles.


# %% tags=["ejercicio"]
def conv_size(size, kernel, stride=1, padding=0):
    # Escribe aquí tu respuesta.
    ...


ejercicio("0.3").comprobar(conv_size)

# %% [markdown]
# **Ejercicio 0.4. Max-pooling.** Escribe `pool(image, size=2)`: el mayor de cada ventana de
# `size`×`size`, una al lado de la otra, sin que se traslapen. Si al final de una fila o de una
# columna sobran píxeles que no llenan una ventana, no cuentan. Los números de la imagen también
# pueden ser negativos.


# %% tags=["ejercicio"]
def pool(image, size=2):
    # Escribe aquí tu respuesta.
    ...


ejercicio("0.4").comprobar(pool)

# %% [markdown]
# **Ejercicio 0.5. Un kernel que encuentra bordes verticales.** Inventa un `kernel` de 3×3, una
# lista de tres filas, que encuentre bordes verticales: donde la imagen cambia de izquierda a
# derecha, la convolución debe dar algo distinto de 0; donde es pareja, o solo cambia de arriba a
# abajo, debe dar 0. Hay muchos que sirven.

# %% tags=["ejercicio"]
kernel = ...  # escribe aquí tu respuesta

ejercicio("0.5").comprobar(kernel)

# %% [markdown]
# ## 7. La red de NumPy lee dígitos, y Keras hace lo mismo
#
# Los dígitos de scikit-learn, de 8×8, llegan ampliados a 28×28 como los de MNIST. Una red de 784
# entradas (los píxeles, de 0 a 1), 64 neuronas ocultas y 10 salidas los lee. La entrenamos con
# nuestra retropropagación, un **lote** (*batch*, los ejemplos de un paso: aquí 32) tras otro; una
# **época** es una pasada por todos los ejemplos. Después construimos la misma en Keras, con los
# **mismos pesos iniciales** y los **mismos lotes**: `compile` elige la pérdida y la tasa de
# aprendizaje, y `fit` hace el bucle que escribimos a mano. Si todo está bien, sus pérdidas
# coinciden, salvo por el redondeo.

# %%
(x_train, y_train), (x_test, y_test) = mnist.load_data(s.source)
x_train, y_train, x_test, y_test = (a[: s.limit] for a in (x_train, y_train, x_test, y_test))
data = origin("mnist", s.source)
train, val = splits.stratified(y_train, fraction=0.1, seed=s.seed)
batches = Batches(x_train[train], y_train[train], s.batch_size, s.seed)


def pixels(images):
    return images.reshape(len(images), -1) / 255


network = MLP((784, 64, 10), activation="relu", loss="categorical_crossentropy", seed=s.seed)
start = [w.copy() for pair in zip(network.weights, network.biases, strict=True) for w in pair]
losses = []
for epoch in range(s.epochs):
    batches.start_epoch(epoch)
    steps = [batches[i] for i in range(len(batches))]
    each = [network.step(pixels(x), y, s.learning_rate) * len(y) for x, y in steps]
    losses.append(sum(each) / len(train))
right = network.predict(pixels(x_test)).argmax(axis=1) == y_test
print(f"La red de NumPy acierta {percent(right.mean())} en la prueba — {data.title}")

# %%
with all_devices(batch_size=s.batch_size):
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(64, activation="relu", name="oculta"),
            keras.layers.Dense(10, activation="softmax", name="salida"),
        ],
        name="fundamentos",
    )
    model.set_weights(start)
    model.compile(
        optimizer=keras.optimizers.SGD(s.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
batches = Batches(x_train[train][..., None], y_train[train], s.batch_size, s.seed)
history = model.fit(
    batches,
    validation_data=Batches(x_train[val][..., None], y_train[val], s.batch_size, s.seed),
    initial_epoch=resume(model, run),
    epochs=s.epochs,
    shuffle=False,  # `Batches` ya los mezcla
    callbacks=callbacks(run, batches, seed=s.seed),
    verbose=0,
)
model = alone(model)  # con varios procesos, los demás terminan aquí
for epoch, loss in zip(history.epoch, history.history["loss"], strict=True):
    print(f"época {epoch + 1:2}   NumPy {number(losses[epoch], 5)}   Keras {number(loss, 5)}")

# %% [markdown]
# ## 8. Qué aprendió
#
# Los pesos que llegan a cada neurona oculta, puestos como imagen: qué trazos la encienden y
# cuáles la apagan. Una red densa mira cada píxel en su lugar exacto; por eso el Taller 2 usa
# convoluciones.

# %%
weights = network.weights[0][:, :24].reshape(28, 28, 1, 24)
figure = figures.filters(weights, title=f"Pesos de 24 neuronas ocultas — {data.title}")
figures.show(figure, run / "figures" / "neuronas.png")

# %% [markdown]
# ### Preguntas
#
# Una letra por respuesta, entre comillas: `comprobar("a")`.
#
# **Ejercicio 0.6. Sin activación.** Si a una red de tres capas densas le quitas todas las
# activaciones, ¿qué queda?
#
# a) Una red más rápida, que aprende lo mismo.
#
# b) Una sola transformación lineal, por muchas capas que haya.
#
# c) Nada que se pueda entrenar: sin activación no hay gradiente.

# %% tags=["ejercicio"]
ejercicio("0.6").comprobar(...)

# %% [markdown]
# **Ejercicio 0.7. La tasa de aprendizaje.** La pérdida salta y crece en lugar de bajar. ¿Qué
# pruebas primero?
#
# a) Una tasa de aprendizaje más pequeña.
#
# b) Una tasa de aprendizaje más grande, para llegar antes.
#
# c) Más épocas con la misma tasa.
#
# d) Más neuronas.

# %% tags=["ejercicio"]
ejercicio("0.7").comprobar(...)

# %% [markdown]
# **Ejercicio 0.8. El mismo kernel en todas partes.** ¿Por qué una convolución tiene muchos menos
# pesos que una capa densa que da una salida del mismo tamaño?
#
# a) Porque la mayoría de sus pesos son cero.
#
# b) Porque reduce la imagen antes de mirarla.
#
# c) Porque cada salida mira solo una ventana, y todas con los mismos pesos.

# %% tags=["ejercicio"]
ejercicio("0.8").comprobar(...)

# %% [markdown]
# ## 9. Cuánto acierta y dónde falla
#
# El conjunto de prueba no participó en nada. El informe juzga la red de Keras, que es también la
# que queda guardada.

# %%
report = evaluate_classifier(model, x_test, y_test, class_names=mnist.CLASS_NAMES, origin=data)
export(model, run, card=report.card(preparation="digit", seed=s.seed))
page = report.save(run)
print(f"\n{report.headline}\nCarpeta: {run}\nInforme: {page}")

# %% [markdown]
# ## 10. Para probar
#
# 1. Cambia `"tanh"` por `"heaviside"` en la red de XOR. ¿Por qué la pérdida deja de bajar tan
#    pronto? Mira las derivadas.
# 2. Entrena XOR con `MLP((2, 1), …)`, sin capa oculta. ¿A qué número llega la pérdida? (Es
#    $\ln 2$: la de quien responde siempre ½.)
# 3. Pasa el kernel del ejercicio 0.5 por un dígito, con `convolve`. ¿Qué trazos se encienden?
# 4. Agrega a `FUNCTIONS` una función con un salto, que no es continua. ¿Baja su error máximo?
# 5. En `course/foundations/losses.py`, ¿por qué `softmax` resta el máximo antes de calcular la
#    exponencial?
