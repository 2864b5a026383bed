"""The exercises of Taller 1: parameters, missing values, standardising, R²."""

import itertools

import numpy as np

from course.exercises.diagnosis import Mistake
from course.exercises.exercise import Exercise

# ---- 1.1


def mlp_parameters(inputs, units, outputs):
    sizes = [inputs, *units, outputs]
    total = 0
    for before, after in zip(sizes[:-1], sizes[1:], strict=True):
        total += (before + 1) * after
    return total


def _weights(inputs, units, outputs):
    """By the arrays that the layers hold."""
    shapes = itertools.pairwise([inputs, *units, outputs])
    return sum(np.zeros(shape).size for shape in shapes)


def _draw_networks(random):
    """One, two, three and no hidden layers, no two of the sizes alike."""
    return [
        (int(sizes[0]), tuple(map(int, sizes[2:])), int(sizes[1]))
        for sizes in (random.choice(np.arange(2, 20), 2 + n, replace=False) for n in (1, 2, 3, 0))
    ]


PARAMETERS = Exercise(
    number="1.1",
    title="Los parámetros de un perceptrón multicapa",
    statement="""\
Escribe `mlp_parameters(inputs, units, outputs)`: cuántos números aprende una red densa con
`inputs` entradas, tantas capas ocultas como números tenga la tupla `units`, quizás vacía (cada
uno dice sus neuronas), y `outputs` salidas. Compáralo después con lo que dice
`network.summary()`, en la sección 5.""",
    hints=(
        "Cuenta primero una sola neurona: un peso por cada cosa que recibe, y algo más.",
        "Una capa de n neuronas que recibe m números tiene n·m pesos y n sesgos.",
        "Pon todos los tamaños en una lista, [inputs, *units, outputs], y recórrela de a dos "
        "vecinos.",
    ),
    example=(2, (8,), 1),
    draw=_draw_networks,
    right=lambda inputs, units, outputs: _weights(inputs, units, outputs) + sum(units) + outputs,
    bounds=(0, np.inf),
    mistakes=(
        Mistake(
            _weights,
            "Olvidaste los sesgos: cada neurona tiene, además de sus pesos, un número propio (el "
            "w con índice m + 1 de la diapositiva).",
        ),
        Mistake(
            lambda inputs, units, outputs: _weights(inputs, units, outputs) + len(units) + 1,
            "Contaste un sesgo por capa. Es uno por *neurona*.",
        ),
        Mistake(
            lambda *network: _weights(*network) + 1,
            "Contaste un solo sesgo para toda la red. Es uno por *neurona*.",
        ),
        Mistake(
            lambda inputs, units, outputs: (
                _weights(inputs, units, outputs) + inputs + sum(units)  # one for each that sends
            ),
            "Pusiste los sesgos en las neuronas que envían y no en las que reciben: las entradas "
            "no tienen sesgo, las salidas sí.",
        ),
        Mistake(
            lambda inputs, units, outputs: (
                _weights(inputs, units, outputs) + inputs + sum(units) + outputs
            ),
            "Le pusiste sesgo también a las entradas. Una entrada no calcula nada: solo las "
            "neuronas ocultas y las de salida tienen uno.",
        ),
        Mistake(
            lambda inputs, units, outputs: _weights(inputs, units, outputs) + sum(units),
            "A las neuronas de salida les falta el sesgo: también son neuronas.",
        ),
        Mistake(
            lambda inputs, units, outputs: sum(
                (m + 1) * n for m, n in zip((inputs, *units), units, strict=False)
            ),
            "Olvidaste la capa de salida: también sus neuronas tienen pesos y sesgos.",
        ),
        Mistake(
            lambda inputs, units, outputs: sum(units) + outputs,
            "Contaste neuronas. Los parámetros son los pesos de sus conexiones y sus sesgos.",
        ),
    ),
    solution=mlp_parameters,
    explanation="""\
Cada capa conecta todo con todo: antes·después pesos, y un sesgo por neurona que recibe, o sea
(antes + 1)·después. Sin capas ocultas (`units=()`) quedan inputs + 1 parámetros por salida: la
regresión lineal.""",
)

# ---- 1.2


def fill_missing(train, new):
    missing = np.isnan(new)
    median = np.nanmedian(train)
    return np.where(missing, median, new), missing.astype(float)


def _median(values):
    known = sorted(value for value in values if value == value)
    return (known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2


def _filled(value):
    """`new` with `value(train, new)` in its gaps, and the right indicator."""
    return lambda train, new: (
        np.array([value(train, new) if np.isnan(x) else x for x in new]),
        np.array([float(np.isnan(x)) for x in new]),
    )


def _with_indicator(indicator):
    fill = _filled(lambda train, new: _median(train))
    return lambda train, new: (fill(train, new)[0], indicator(new))


def _draw_columns(random):
    """Skewed columns with gaps in both tables, one that is whole, one that is nearly empty."""
    cases = []
    for gaps in (1, 2, 0, 3):
        train = (10 * random.exponential(size=7)).round(1) + [0, 1, 2, 3, 4, 5, 60]
        new = (10 * random.exponential(size=5)).round(1) + 20
        train[random.choice(6, 2, replace=False)] = np.nan
        new[random.choice(5, gaps, replace=False)] = np.nan
        cases.append((train, new))
    return cases


MISSING = Exercise(
    number="1.2",
    title="Los valores que faltan",
    statement="""\
En la columna `new` faltan algunos valores: son NaN. Escribe `fill_missing(train, new)`, que
devuelve dos arreglos: `new` con la **mediana** de `train` (que también tiene huecos) donde
faltaba algo, y un **indicador** con 1 donde faltaba y 0 donde no, para que la red sepa cuáles
son inventados.""",
    hints=(
        "NaN no es igual a nada, ni a sí mismo: new == np.nan es siempre falso. Usa np.isnan.",
        "np.median se contagia de un solo NaN; np.nanmedian los salta. ¿De cuál de las dos "
        "columnas hay que calcularla?",
        "np.where(dónde, valor, si_no) elige número por número. Guarda primero dónde faltaba: "
        "después de rellenar ya no se sabe.",
    ),
    example=(np.array([1.0, np.nan, 3.0, 9.0]), np.array([5.0, np.nan])),
    draw=_draw_columns,
    right=_filled(lambda train, new: _median(train)),
    mistakes=(
        Mistake(
            _filled(lambda train, new: _median(new)),
            "Usaste la mediana de `new`. Lo que se aprende, se aprende del entrenamiento: cuando "
            "llegue un solo distrito nuevo, no habrá otra cosa de donde sacarla.",
        ),
        Mistake(
            _filled(lambda train, new: _median([*train, *new])),
            "Calculaste la mediana con las dos columnas juntas: así la prueba se filtra en lo que "
            "se aprende. Solo cuenta `train`.",
        ),
        Mistake(
            _filled(lambda train, new: np.nanmean(train)),
            "Usaste el promedio. Se pide la mediana, que no se deja arrastrar por unos pocos "
            "valores enormes.",
        ),
        Mistake(
            _filled(lambda train, new: 0),
            "Rellenaste con 0. Para la red es un valor como cualquier otro, y muy raro: un "
            "distrito sin dormitorios.",
        ),
        Mistake(
            _filled(lambda train, new: np.nan),
            "Rellenaste con NaN: np.median se contagia de los huecos de `train`. np.nanmedian los "
            "salta.",
        ),
        Mistake(
            lambda train, new: (
                np.array([x if np.isnan(x) else _median(train) for x in new]),
                np.isnan(new),
            ),
            "Están al revés: la mediana tapa lo que se conocía, y lo que faltaba sigue en NaN. "
            "np.where(dónde faltaba, mediana, new).",
        ),
        Mistake(
            lambda train, new: (new, np.zeros(len(new))),
            "No encontraste ningún hueco: NaN no es igual a nada, ni a sí mismo, así que "
            "new == np.nan siempre es falso. Usa np.isnan(new).",
        ),
        Mistake(
            _with_indicator(lambda new: 1.0 - np.isnan(new)),
            "El indicador está al revés: 1 es donde faltaba.",
        ),
        Mistake(
            _with_indicator(lambda new: np.zeros(len(new))),
            "El indicador dice que no faltaba nada. ¿Lo calculaste después de rellenar?",
        ),
    ),
    solution=fill_missing,
    explanation="""\
La mediana es algo que el modelo *aprende*, y por eso sale solo del entrenamiento. El indicador
no inventa nada: le deja a la red decidir cuánto creer, y a veces que falte un dato ya dice
algo.""",
)

# ---- 1.3


def standardize(train, new):
    mean, std = train.mean(axis=0), train.std(axis=0)
    std = np.where(std == 0, 1, std)  # una columna que no varía
    return (train - mean) / std, (new - mean) / std


def _scaled(statistics):
    """Both tables by the mean and spread that `statistics(this table, train, new)` gives."""

    def scale(train, new):
        tables = []
        for table in (train, new):
            mean, spread = statistics(table, train, new)
            tables.append((table - mean) / np.where(spread == 0, 1, spread))
        return tuple(tables)

    return scale


def _own(table):
    return table.mean(axis=0), table.std(axis=0)


def _with_epsilon(epsilon):
    return lambda train, new: tuple(
        (t - train.mean(0)) / (train.std(0) + epsilon) for t in (train, new)
    )


def _by_scikit_learn(train, new):
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(new)


def _draw_tables(random):
    """Columns of different sizes; in the last case one of them does not vary."""
    cases = []
    for _ in range(4):
        center = random.uniform(-9, 9, 2)
        tables = (center + [1, 8] * random.normal(size=(rows, 2)) for rows in (4, 3))
        cases.append(tuple(table.round(1) for table in tables))
    cases[-1][0][:, 1] = 4.0
    return cases


STANDARDIZE = Exercise(
    number="1.3",
    title="Estandarizar sin hacer trampa",
    statement="""\
Escribe `standardize(train, new)`: devuelve las dos tablas (una fila por distrito, una columna
por dato) con cada columna llevada a media 0 y desviación 1, **con la media y la desviación de
`train`**. La desviación divide por n, como en Keras. Si una columna de `train` no varía, su
desviación es 0: en ese caso divide por 1.""",
    hints=(
        "Necesitas un promedio por columna: ¿cuál eje desaparece, el de las filas o el de las "
        "columnas?",
        "table.mean(axis=0) y table.std(axis=0) dejan un número por columna, y NumPy los resta y "
        "divide en cada fila por sí solo.",
        "Para la columna que no varía: std = np.where(std == 0, 1, std).",
    ),
    example=(np.array([[1.0, 10.0], [3.0, 30.0]]), np.array([[2.0, 50.0]])),
    draw=_draw_tables,
    right=_by_scikit_learn,
    mistakes=(
        Mistake(
            _scaled(lambda table, train, new: _own(table)),
            "Estandarizaste cada tabla con su propia media y desviación. Así un mismo distrito "
            "daría números distintos según la compañía en que llega. Usa las de `train` en ambas.",
        ),
        Mistake(
            _scaled(lambda table, train, new: _own(np.concatenate([train, new]))),
            "Juntaste las dos tablas para calcular la media: eso es una **fuga**, la prueba "
            "influye en lo que se aprende y la nota sale mejor de lo que es. Solo `train`.",
        ),
        Mistake(
            _scaled(lambda table, train, new: (train.mean(), train.std())),
            "Calculaste una sola media para toda la tabla. Cada columna tiene su unidad (años, "
            "piezas, dólares): hace falta una por columna, axis=0.",
        ),
        Mistake(
            _scaled(lambda table, train, new: (train.mean(0), train.std())),
            "La media es por columna, y la desviación una sola para toda la tabla. También de ella "
            "hace falta una por columna: axis=0.",
        ),
        Mistake(
            lambda train, new: tuple(
                (t - t.mean(1, keepdims=True)) / t.std(1, keepdims=True) for t in (train, new)
            ),
            "Estandarizaste por filas: intercambiaste los ejes. Una fila mezcla años con dólares; "
            "lo que se compara es una columna, axis=0.",
        ),
        Mistake(
            _scaled(lambda table, train, new: (train.mean(0), train.var(0))),
            "Dividiste por la varianza. Falta la raíz: la desviación es np.sqrt(var), o std.",
        ),
        Mistake(
            _scaled(lambda table, train, new: (train.mean(0), train.std(0, ddof=1))),
            "Dividiste por n - 1 en la desviación (ddof=1, lo que hace pandas). Aquí, como en "
            "Keras y scikit-learn, se divide por n.",
        ),
        Mistake(
            _scaled(lambda table, train, new: (train.mean(0), np.ones(train.shape[1]))),
            "Centraste, pero olvidaste dividir por la desviación: las columnas grandes siguen "
            "pesando más.",
        ),
        Mistake(
            _scaled(lambda table, train, new: (0, train.std(0))),
            "Dividiste, pero olvidaste restar la media.",
        ),
        Mistake(
            _scaled(lambda table, train, new: (train.min(0), np.ptp(train, axis=0))),
            "Llevaste cada columna a 0..1 con su mínimo y su máximo. Es otra normalización; aquí "
            "se pide media 0 y desviación 1.",
        ),
        Mistake(
            lambda train, new: tuple((t - train.mean(0)) / train.std(0) for t in (train, new)),
            "Casi: una columna que no varía tiene desviación 0, y dividir por ella da NaN o inf. "
            "En ese caso divide por 1.",
        ),
        Mistake(
            tuple(_with_epsilon(10.0**-n) for n in range(3, 17)),
            "Evitas el 0/0 con un número pequeño en lugar de la desviación: no hay NaN, pero en "
            "una columna que no varía lo nuevo se vuelve gigantesco. (Es lo que hace la capa "
            "`Normalization` de Keras, y en esa columna se aparta de lo que se pide aquí.) En ese "
            "caso divide por 1.",
        ),
        Mistake(
            lambda train, new: tuple(
                np.nan_to_num((t - train.mean(0)) / train.std(0), posinf=0, neginf=0)
                for t in (train, new)
            ),
            "En la columna que no varía pones 0 en todas partes, también en `new`, donde sí hay "
            "diferencias con la media. En ese caso divide por 1.",
        ),
        Mistake(
            lambda train, new: tuple(
                np.nan_to_num((t - train.mean(0)) / train.std(0)) for t in (train, new)
            ),
            "np.nan_to_num cambia NaN por 0, pero inf por el número más grande que cabe, y eso es "
            "lo que queda en la columna que no varía. En ese caso divide por 1.",
        ),
    ),
    solution=standardize,
    explanation="""\
La media y la desviación son parte del modelo: se aprenden del entrenamiento y se aplican igual
a todo lo que venga. Es lo que hace `normalize.adapt(...)` en la lección, y por eso solo recibe
las filas `train`. (En una columna que no varía, Keras divide por 0,0000001; scikit-learn, como
aquí, por 1.)""",
)

# ---- 1.4


def r2(y_true, y_pred):
    y_pred = np.reshape(y_pred, -1)  # (n, 1) se vuelve (n,)
    residual = np.sum((y_true - y_pred) ** 2)
    total = np.sum((y_true - np.mean(y_true)) ** 2)
    return 1 - residual / total


def _flat(score):
    """A score of `(n,)` and `(n,)`, given `(n,)` and `(n, 1)`."""
    return lambda y_true, y_pred: score(y_true, y_pred[:, 0])


def _r2_of_scikit_learn(y_true, y_pred):
    from sklearn.metrics import r2_score

    return r2_score(y_true, y_pred)


def _draw_predictions(random):
    """Predictions that follow, but are too high on average and too flat."""
    cases = []
    for n in (4, 5, 5, 6):
        y = (random.permutation(9)[:n] + random.uniform(0, 1, n)).round(1)
        guess = 3 + 0.5 * y + random.normal(0, 0.5, n)
        cases.append((y, guess.round(1)[:, None]))
    return cases


_MATRIX = (
    "`y_true` es (n,) y `y_pred`, tal como sale de `predict`, es (n, 1): la resta no es de uno con "
    "uno, sino de todos con todos, una matriz de n×n. Aplana primero, y_pred.reshape(-1). "
)

R2 = Exercise(
    number="1.4",
    title="R², escrito a mano",
    statement="""\
Escribe `r2(y_true, y_pred)`: qué parte de la variación de los precios explica la red, 1 menos
la suma de los errores al cuadrado dividida por la suma de los cuadrados de las distancias de
`y_true` a su promedio. `y_true` tiene forma (n,); `y_pred` llega tal como sale de
`model.predict`, con forma (n, 1).""",
    hints=(
        "¿Qué R² tiene quien responde siempre el promedio? Debe salir 0. ¿Y quien acierta todo?",
        "Mira la forma de y_true - y_pred con los arreglos del ejemplo. ¿Es la que esperabas?",
        "residual = suma de (y_true - y_pred)², total = suma de (y_true - promedio de y_true)², y "
        "el resultado es 1 - residual / total.",
    ),
    example=(np.array([1.0, 2.0, 6.0]), np.array([[1.5], [2.5], [5.0]])),
    draw=_draw_predictions,
    right=_r2_of_scikit_learn,
    mistakes=(
        Mistake(
            lambda y, p: 1 - np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2),
            _MATRIX + "Por eso la suma da un número muy negativo.",
        ),
        Mistake(
            lambda y, p: 1 - np.mean((y - p) ** 2) / np.var(y),
            _MATRIX + "Con el promedio el número parece menos absurdo, y es igual de falso.",
        ),
        Mistake(
            _flat(lambda y, p: 1 - np.sum((y - p) ** 2) / np.sum((p - p.mean()) ** 2)),
            "Abajo pusiste la variación de las *predicciones* (¿intercambiaste los argumentos?). "
            "Lo que hay que explicar es la variación de lo verdadero, `y_true`.",
        ),
        Mistake(
            _flat(lambda y, p: np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2)),
            "Falta el 1 menos: eso es la parte que *no* se explica.",
        ),
        Mistake(
            _flat(lambda y, p: np.corrcoef(y, p)[0, 1] ** 2),
            "Eso es la correlación al cuadrado. No se entera de que las predicciones estén todas "
            "corridas o aplastadas; R² sí.",
        ),
        Mistake(
            _flat(lambda y, p: np.corrcoef(y, p)[0, 1]),
            "Eso es la correlación, que solo mira si suben y bajan juntas. R² mide los errores.",
        ),
        Mistake(
            _flat(lambda y, p: 1 - np.var(y - p) / np.var(y)),
            "Calculaste la varianza de los errores, y esta les resta su promedio: una red que "
            "responde siempre 1 de más quedaría perdonada. Suma los errores al cuadrado tal cual.",
        ),
        Mistake(
            _flat(lambda y, p: np.sum((p - y.mean()) ** 2) / np.sum((y - y.mean()) ** 2)),
            "Dividiste la variación de las predicciones por la verdadera. Solo coincide con R² en "
            "una regresión lineal, con sus propios datos; en general hay que mirar los errores.",
        ),
        Mistake(
            _flat(lambda y, p: 1 - np.sum((y - p) ** 2) / np.sum(y**2)),
            "En el total olvidaste restar el promedio: la comparación es con quien responde "
            "siempre el promedio, no con quien responde siempre 0.",
        ),
        Mistake(
            _flat(lambda y, p: 1 - np.mean((y - p) ** 2) / np.sum((y - y.mean()) ** 2)),
            "Arriba promediaste y abajo sumaste. O las dos cosas o ninguna.",
        ),
        Mistake(
            _flat(lambda y, p: 1 - np.sum(abs(y - p)) / np.sum(abs(y - y.mean()))),
            "Usaste valores absolutos: R² compara cuadrados.",
        ),
        Mistake(
            _flat(lambda y, p: np.mean((y - p) ** 2)),
            "Eso es el error cuadrático medio, que depende de la unidad. Falta compararlo con la "
            "variación de `y_true`.",
        ),
    ),
    solution=r2,
    explanation="""\
R² compara con quien responde siempre el promedio: 0 es igual de malo, 1 es perfecto y negativo
es peor. `reshape(-1)` evita la sorpresa más traicionera de NumPy: (n,) menos (n, 1) no da
error, da una matriz.""",
)

EXERCISES = (PARAMETERS, MISSING, STANDARDIZE, R2)
