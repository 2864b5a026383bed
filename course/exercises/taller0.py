"""The exercises of Taller 0: activations, backpropagation, convolution."""

import numpy as np

from course.exercises.answers import Objection, numbers
from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise
from course.foundations.convolution import convolve, max_pool

# ---- 0.1


def softplus(z):
    z = np.asarray(z, dtype=float)
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _draw_sums(random):
    """Small ones, and then some among two that are very large."""
    small = [random.uniform(-6, 6, n).round(1) for n in (3, 4, 5, 2)]
    return [(z,) for z in (*small[:-1], np.array([*small[-1], -1000.0, 1000.0]))]


def _clipped_at(*bounds):
    return tuple(
        clip
        for bound in bounds
        for clip in (
            lambda z, bound=bound: np.log(1 + np.exp(np.clip(z, -bound, bound))),
            lambda z, bound=bound: np.log(1 + np.exp(np.minimum(z, bound))),
        )
    )


SOFTPLUS = Exercise(
    number="0.1",
    title="Softplus que no se desborda",
    statement="""\
Escribe `softplus(z)`, la última fila de la tabla: ln(1 + e^z) para cada número del arreglo
`z`. También debe responder bien muy lejos del cero, en 1000 y en -1000, donde e^z no cabe en
un número de la máquina o se vuelve cero.""",
    hints=(
        "Para z muy grande, el 1 ya no importa: ln(1 + e^z) es casi ln(e^z). ¿Cuánto es eso?",
        "Saca e^z fuera del paréntesis: ln(1 + e^z) = z + ln(1 + e^-z). Con z positivo, e^-z es "
        "pequeño y nunca se desborda. Con z negativo, usa la fórmula de siempre.",
        "Las dos en una: max(z, 0) + ln(1 + e^-|z|), con np.maximum, np.abs y np.log1p.",
    ),
    example=(np.array([-1.0, 0.0, 2.0]),),
    draw=_draw_sums,
    right=lambda z: np.logaddexp(0, z),
    mistakes=(
        Mistake(
            lambda z: np.log(1 + np.exp(z)),
            "La fórmula está bien, pero se desborda: e^1000 no cabe en un número de la máquina y "
            "se vuelve inf. Escríbela de modo que nunca se eleve e a un número grande y positivo.",
        ),
        Mistake(
            lambda z: np.maximum(z, 0),
            "Eso es ReLU, max(0, z). Softplus se le parece lejos del cero, pero cerca es suave: "
            "en z = 0 vale ln 2.",
        ),
        Mistake(
            lambda z: 1 / (1 + np.exp(-z)),
            "Eso es la sigmoide, que es la *derivada* de softplus. Se pide la función misma.",
        ),
        Mistake(
            lambda z: np.logaddexp(0, -z),
            "Tienes cambiado el signo del exponente: calculas ln(1 + e^-z). Softplus crece con z.",
        ),
        Mistake(
            lambda z: np.logaddexp(0, z) / np.log(10),
            "Usaste el logaritmo decimal, np.log10; aquí ln es el natural, np.log.",
        ),
        Mistake(
            _clipped_at(700, 709, 600, 500, 300, 200, 100, 88, 80, 50, 30, 20, 10),
            "Recortar z evita el desborde, pero cambia la respuesta: para z = 1000 softplus vale "
            "1000, no el borde del recorte.",
        ),
    ),
    bounds=(0, np.inf),
    solution=softplus,
    explanation="""\
Con z > 0 se saca e^z del paréntesis: ln(1 + e^z) = z + ln(1 + e^-z). Así el exponente nunca es
positivo, y `log1p(x)` calcula ln(1 + x) sin perder los decimales de un x pequeño. NumPy ya lo
trae: `np.logaddexp(0, z)`.""",
)

# ---- 0.2


def neuron_gradient(x, w, b, t):
    z = np.dot(w, x) + b
    y = 1 / (1 + np.exp(-z))
    delta = (y - t) * y * (1 - y)  # dL/dy por dy/dz
    return delta * x, delta


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _moved_a_little(x, w, b, t, h=1e-5):
    """The gradient without any rule: move each weight to both sides."""

    def loss(w, b):
        return 0.5 * (t - _sigmoid(w @ x + b)) ** 2

    dw = [(loss(w + step, b) - loss(w - step, b)) / (2 * h) for step in h * np.eye(len(w))]
    return np.array(dw), (loss(w, b + h) - loss(w, b - h)) / (2 * h)


def _with_delta(delta):
    """What comes out if dL/dz is taken to be `delta(y, t, z)`."""

    def gradient(x, w, b, t):
        z = w @ x + b
        d = delta(_sigmoid(z), t, z)
        return d * x, d

    return gradient


def _draw_neurons(random):
    return [
        (
            random.uniform(0.3, 2, n).round(1) * random.choice([-1, 1], n),
            random.uniform(-1, 1, n).round(1),
            round(random.uniform(0.3, 0.9), 1),
            int(random.integers(2)),
        )
        for n in (2, 3, 3, 4)
    ]


NEURON = Exercise(
    number="0.2",
    title="El gradiente de una neurona",
    statement="""\
Una neurona con sigmoide responde y = sigmoide(z), con z = w·x + b, y su pérdida es L = ½ (t -
y)². Escribe `neuron_gradient(x, w, b, t)`, que devuelve dos cosas: la derivada de L respecto
de cada peso de `w` (un arreglo) y respecto de `b` (un número).""",
    hints=(
        "Es una cadena de tres eslabones: L depende de y, y depende de z, z depende de w y de b. "
        "Deriva cada eslabón por separado y multiplica.",
        "dL/dy = y - t. dy/dz = y (1 - y), que se escribe con la misma y que ya calculaste.",
        "dz/dw = x y dz/db = 1. Llama delta a lo que comparten: (y - t) * y * (1 - y).",
    ),
    example=(np.array([1.0, -2.0]), np.array([0.5, 0.3]), 0.1, 1),
    draw=_draw_neurons,
    right=_moved_a_little,
    mistakes=(
        Mistake(
            _with_delta(lambda y, t, z: (t - y) * y * (1 - y)),
            "El signo está al revés: al derivar ½ (t - y)² respecto de y aparece un -1 por la "
            "derivada de adentro, y queda y - t. Con t - y los pesos subirían la cuesta.",
        ),
        Mistake(
            _with_delta(lambda y, t, z: y - t),
            "Falta un eslabón de la cadena: la derivada de la sigmoide, dy/dz = y (1 - y). "
            "Solo desaparece con la entropía cruzada; aquí la pérdida es el error cuadrático.",
        ),
        Mistake(
            _with_delta(lambda y, t, z: 2 * (y - t) * y * (1 - y)),
            "Sale justo el doble: el 2 que baja del exponente se cancela con el ½ de la pérdida.",
        ),
        Mistake(
            _with_delta(lambda y, t, z: (y - t) * z * (1 - z)),
            "Escribiste z (1 - z) como derivada de la sigmoide. Es y (1 - y): con la salida de la "
            "neurona, no con la suma.",
        ),
        Mistake(
            _with_delta(lambda y, t, z: (y - t) * _sigmoid(y) * (1 - _sigmoid(y))),
            "Aplicaste la sigmoide dos veces: y ya es sigmoide(z), así que su derivada es "
            "y (1 - y), sin pasar y otra vez por la sigmoide.",
        ),
        Mistake(
            _with_delta(lambda y, t, z: (z - t) * y * (1 - y)),
            "En el error comparas t con la suma z. Se compara con lo que la neurona responde, "
            "y = sigmoide(z).",
        ),
        Mistake(
            lambda x, w, b, t: (_moved_a_little(x, w, b, t)[1] * w, _moved_a_little(x, w, b, t)[1]),
            "Multiplicaste por w. Como z = w·x + b, la derivada de z respecto de w es x; w "
            "sería la derivada respecto de x.",
        ),
        Mistake(
            lambda x, w, b, t: (_moved_a_little(x, w, b, t)[0], _moved_a_little(x, w, b, t)[1] * b),
            "Los pesos están bien; en el sesgo multiplicaste por b. Como z = w·x + b, la derivada "
            "de z respecto de b es 1.",
        ),
    ),
    solution=neuron_gradient,
    explanation="""\
La regla de la cadena: dL/dw = dL/dy · dy/dz · dz/dw = (y - t) · y (1 - y) · x. Lo que está
antes de la x es el delta de la lección, y es el mismo para `b`, porque dz/db = 1. La
comprobación no usa nada de esto: mueve cada peso un poquito hacia ambos lados y mira cuánto
cambia L.""",
)

# ---- 0.3


def conv_size(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) // stride + 1


def _draw_convolutions(random):
    """`(size, kernel, stride, padding)`: strides that fit, and that leave 1 or 2 pixels over."""
    kernel, padding = int(random.choice([3, 5])), int(random.integers(1, 3))
    steps = random.integers(4, 9, 5)
    cases = [(kernel + steps[0], kernel, 1, 0), (kernel + steps[1], kernel, 1, padding)]
    for stride, over, n in ((2, 1, steps[2]), (3, 1, steps[3]), (3, 2, steps[4])):
        cases.append((kernel - 2 * padding + stride * n + over, kernel, stride, padding))
    return [tuple(map(int, case)) for case in cases]


CONV_SIZE = Exercise(
    number="0.3",
    title="El tamaño de una convolución",
    statement="""\
Escribe `conv_size(size, kernel, stride=1, padding=0)`: cuántos números por lado tiene el
resultado de pasar un kernel de `kernel`×`kernel` por una imagen de `size`×`size`, con
`padding` ceros a cada lado y avanzando de `stride` en `stride` píxeles.""",
    hints=(
        "Dibuja una fila de 5 casillas y un kernel de 3. ¿Cuántas posiciones tiene? Ahora ponle "
        "una casilla más en cada extremo.",
        "El padding agrega por los dos lados: la fila mide size + 2 * padding. El kernel ocupa la "
        "primera posición y le queda por recorrer lo demás.",
        "Cuántos pasos enteros caben en lo que queda (división entera, //), más la posición "
        "inicial.",
    ),
    example=(28, 3, 1, 0),
    draw=_draw_convolutions,
    right=lambda size, kernel, stride, padding: len(
        range(0, size + 2 * padding - kernel + 1, stride)  # the places of the kernel's corner
    ),
    mistakes=(
        Mistake(
            lambda size, kernel, stride, padding: (size + 2 * padding - kernel) // stride,
            "Te falta uno: contaste los pasos y olvidaste la posición de partida. Con 5 casillas y "
            "un kernel de 3 hay 2 pasos, pero 3 posiciones.",
        ),
        Mistake(
            lambda size, kernel, stride, padding: (size + 2 * padding - kernel + 1) // stride,
            "Sumaste el 1 antes de dividir. La posición inicial se cuenta al final, después de "
            "dividir lo que queda por recorrer.",
        ),
        Mistake(
            lambda size, kernel, stride, padding: round((size + 2 * padding - kernel) / stride) + 1,
            "Usas round, y así a veces redondeas hacia arriba. Un paso que se sale de la imagen no "
            "se da: usa la división entera, //.",
        ),
        Mistake(
            lambda size, kernel, stride, padding: -((kernel - size - 2 * padding) // stride) + 1,
            "Redondeaste hacia arriba: un paso que se sale de la imagen no se da. Lo que sobra al "
            "final queda sin mirar.",
        ),
        Mistake(
            lambda size, kernel, stride, padding: (size + 2 * padding - kernel) / stride + 1,
            "Te salen posiciones con decimales: solo cuentan los pasos enteros. Usa la división "
            "entera, //.",
        ),
        Mistake(
            lambda size, kernel, stride, padding: (size + padding - kernel) // stride + 1,
            "Contaste el padding de un solo lado. Los ceros rodean la imagen: 2 * padding.",
        ),
        Mistake(
            lambda size, kernel, stride, padding: (size - kernel) // stride + 1,
            "Olvidaste el padding: con ceros alrededor, la imagen que recorre el kernel es más "
            "grande.",
        ),
        Mistake(
            lambda size, kernel, stride, padding: size + 2 * padding - kernel + 1,
            "Olvidaste el stride: si el kernel avanza de a 2 píxeles, visita la mitad de las "
            "posiciones.",
        ),
    ),
    solution=conv_size,
    explanation="""\
La imagen con sus ceros mide size + 2·padding. Puesto el kernel en la primera posición, quedan
size + 2·padding - kernel píxeles por recorrer; caben esa cantidad // stride pasos, y la
primera posición también cuenta. La comprobación los cuenta uno por uno.""",
)

# ---- 0.4


def pool(image, size=2):
    image = np.asarray(image)
    rows, columns = image.shape[0] // size, image.shape[1] // size
    whole = image[: rows * size, : columns * size]
    return whole.reshape(rows, size, columns, size).max(axis=(1, 3))


def _windows(image, size, stride, reduce):
    rows = range(0, image.shape[0] - size + 1, stride)
    columns = range(0, image.shape[1] - size + 1, stride)
    return np.array([[reduce(image[i : i + size, j : j + size]) for j in columns] for i in rows])


def _side_by_side(reduce):
    return lambda image, size: _windows(image, size, size, reduce)


def _draw_images(random):
    """Sides that the window divides and sides that leave some over; the last is all negative."""
    shapes = [((4, 6), 2), ((5, 4), 2), ((6, 6), 3), ((4, 5), 2)]
    images = [(random.permutation(99)[: np.prod(s)].reshape(s), size) for s, size in shapes]
    return [*images[:-1], (images[-1][0] - 100, 2)]


POOL = Exercise(
    number="0.4",
    title="Max-pooling",
    statement="""\
Escribe `pool(image, size=2)`: el mayor de cada ventana de `size`×`size`, una al lado de la
otra, sin que se traslapen. Si al final de una fila o de una columna sobran píxeles que no
llenan una ventana, no cuentan. Los números de la imagen también pueden ser negativos.""",
    hints=(
        "Con dos for alcanza: uno recorre las filas de ventanas y otro las columnas. Hay "
        "alto // size y ancho // size.",
        "La ventana que empieza en i, j es image[i : i + size, j : j + size]; i y j avanzan de "
        "size en size.",
    ),
    example=(np.array([[7, 3, 5, 2], [8, 7, 1, 6], [4, 9, 3, 9], [0, 8, 4, 5]]), 2),
    draw=_draw_images,
    right=max_pool,
    mistakes=(
        Mistake(
            _side_by_side(np.mean),
            "Promediaste cada ventana. Eso también existe (*average pooling*), pero aquí se pide "
            "el mayor.",
        ),
        Mistake(_side_by_side(np.min), "Tomaste el menor de cada ventana; se pide el mayor."),
        Mistake(
            lambda image, size: _windows(image, size, 1, np.max),
            "Tus ventanas se traslapan: avanzan de un píxel. Cada una empieza donde termina la "
            "anterior, de size en size.",
        ),
        Mistake(
            _side_by_side(lambda window: max(window.max(), 0)),
            "Empiezas con 0 como mayor, y en una ventana de números negativos gana ese 0, que no "
            "está en la imagen. Empieza con el primer número de la ventana.",
        ),
        Mistake(
            lambda image, size: _windows(
                np.pad(image, [(0, -side % size) for side in image.shape], "edge"),
                size,
                size,
                np.max,
            ),
            "Hay ventanas de más: al final sobran píxeles que no llenan una ventana, y esos no "
            "cuentan.",
        ),
        Mistake(
            _side_by_side(lambda window: window[0, 0]),
            "Tomas siempre la esquina de cada ventana: eso es saltarse píxeles, no buscar el "
            "mayor.",
        ),
        Mistake(
            lambda image, size: max_pool(image, 2),
            "Tus ventanas son siempre de 2×2. Su lado es `size`, que también puede ser 3.",
        ),
    ),
    solution=pool,
    explanation="""\
`reshape` corta la imagen en ventanas sin ningún for: el eje 1 recorre las filas dentro de una
ventana y el 3 sus columnas, y el mayor se busca en esos dos. Antes se quita lo que sobra.""",
)

# ---- 0.5


def _responds(kernel, image):
    kernel = numbers(kernel)
    if kernel.shape != (3, 3):
        raise Objection(
            "Se espera un kernel de 3×3: tres filas de tres números. "
            f"El tuyo tiene la forma {kernel.shape}."
        )
    return bool(abs(convolve(image, kernel)).max() > 1e-3)


def _step(low, high, place):
    """An image of 5×5 that is `low` left of column `place`, `high` from there on."""
    return np.where(np.arange(5) < place, low, high) * np.ones((5, 1), int)


def _draw_edges(random):
    cases = []
    for _ in range(2):
        low, high = (random.permutation(9) + 1)[:2]
        vertical = _step(low, high, random.integers(2, 4))
        cases += [(np.full((5, 5), low),), (vertical,), (vertical.T,)]
    return cases


SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])

EDGES = Exercise(
    number="0.5",
    title="Un kernel que encuentra bordes verticales",
    statement="""\
Inventa un `kernel` de 3×3, una lista de tres filas, que encuentre bordes verticales: donde la
imagen cambia de izquierda a derecha, la convolución debe dar algo distinto de 0; donde es
pareja, o solo cambia de arriba a abajo, debe dar 0. Hay muchos que sirven.""",
    hints=(
        "Si los nueve píxeles son iguales, el resultado es ese número por la suma del kernel. "
        "¿Cuánto debe valer la suma?",
        "Un borde es una diferencia: lo que está a la derecha menos lo que está a la izquierda.",
        "Pon números negativos en la columna izquierda, los mismos en positivo en la derecha, y "
        "ceros al medio.",
    ),
    example=(_step(1, 9, 3),),
    draw=_draw_edges,
    read=_responds,
    compared="¿responde tu kernel?",
    right=lambda image: SOBEL,
    mistakes=(
        Mistake(
            lambda image: np.ones((3, 3)),
            "Tu kernel responde también donde la imagen es pareja, porque sus números no suman 0: "
            "cualquier zona clara lo enciende.",
        ),
        Mistake(
            lambda image: SOBEL.T,
            "Tu kernel encuentra los bordes horizontales: tienes los ejes intercambiados. Resta "
            "columnas, no filas (o trasponlo).",
        ),
        Mistake(
            lambda image: [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
            "Tu kernel encuentra bordes en cualquier dirección. Para que los horizontales no lo "
            "enciendan, cada columna por separado puede sumar lo que quiera, pero cada fila debe "
            "sumar 0.",
        ),
        Mistake(
            lambda image: np.zeros((3, 3)),
            "Tu kernel no responde a nada: en un borde vertical también da 0. Sus columnas suman "
            "0 una por una, y así no distingue la izquierda de la derecha.",
        ),
    ),
    solution=SOBEL.tolist(),
    name="kernel",
    explanation="""\
Es el de Sobel: la columna derecha menos la izquierda, con más peso en la fila del centro. Cada
fila suma 0, por eso calla donde nada cambia de izquierda a derecha. La red de los próximos
talleres aprende kernels parecidos sin que nadie se los diga.""",
)

EXERCISES = (SOFTPLUS, NEURON, CONV_SIZE, POOL, EDGES)
