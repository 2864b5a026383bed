"""The concept questions: three for each taller, numbered after its exercises."""

from course.exercises.question import Question

EXERCISES = (
    # ---- Taller 0
    Question(
        number="0.6",
        title="Sin activación",
        statement=(
            "Si a una red de tres capas densas le quitas todas las activaciones, ¿qué queda?"
        ),
        choices=(
            (
                "Una red más rápida, que aprende lo mismo.",
                "Es más rápida, y no aprende lo mismo: sin activaciones ya no puede doblar una "
                "recta, ni separar los puntos de XOR.",
            ),
            (
                "Una sola transformación lineal, por muchas capas que haya.",
                "Así es: (x W1) W2 es x (W1 W2), un solo producto (y los sesgos se juntan en "
                "uno). Por eso ninguna cantidad de capas lineales separa los puntos de XOR.",
            ),
            (
                "Nada que se pueda entrenar: sin activación no hay gradiente.",
                "Gradiente hay, y muy simple: la derivada de la identidad es 1. Lo que falta es "
                "la curva.",
            ),
        ),
        right="b",
        hint="¿Cuánto es (x W1) W2? ¿Se puede escribir con una sola matriz?",
    ),
    Question(
        number="0.7",
        title="La tasa de aprendizaje",
        statement="La pérdida salta y crece en lugar de bajar. ¿Qué pruebas primero?",
        choices=(
            (
                "Una tasa de aprendizaje más pequeña.",
                "Así es: con un paso demasiado largo se pasa por encima del mínimo y se llega "
                "cada vez más arriba al otro lado.",
            ),
            (
                "Una tasa de aprendizaje más grande, para llegar antes.",
                "Al revés: los pasos ya son tan largos que pasan por encima del mínimo.",
            ),
            (
                "Más épocas con la misma tasa.",
                "Más pasos igual de largos siguen saltando. Las épocas ayudan cuando la pérdida "
                "baja, aunque sea despacio.",
            ),
            (
                "Más neuronas.",
                "Puede que hagan falta después, pero una pérdida que *crece* no es una red "
                "pequeña: es un paso demasiado largo.",
            ),
        ),
        right="a",
        hint="Imagina una pelota en un valle, que da siempre pasos proporcionales a la pendiente.",
    ),
    Question(
        number="0.8",
        title="El mismo kernel en todas partes",
        statement=(
            "¿Por qué una convolución tiene muchos menos pesos que una capa densa que da una "
            "salida del mismo tamaño?"
        ),
        choices=(
            (
                "Porque la mayoría de sus pesos son cero.",
                "Ningún peso tiene por qué ser cero: el kernel es pequeño, y sus nueve números "
                "se usan todos.",
            ),
            (
                "Porque reduce la imagen antes de mirarla.",
                "Eso lo hace el pooling, o un stride; una convolución con padding deja la imagen"
                " del mismo tamaño y es igual de barata.",
            ),
            (
                "Porque cada salida mira solo una ventana, y todas con los mismos pesos.",
                "Así es: pocos vecinos en vez de todos los píxeles, y un mismo kernel que "
                "recorre la imagen. Además, lo que aprende en un rincón sirve en todos.",
            ),
        ),
        right="c",
        hint="¿Cuántos números cambian si la imagen es el doble de ancha?",
    ),
    # ---- Taller 1
    Question(
        number="1.5",
        title="Sobreajuste",
        statement=(
            "Al avanzar las épocas, la pérdida de entrenamiento baja y la de validación empieza"
            " a subir. ¿Qué pasa?"
        ),
        choices=(
            (
                "La red todavía no aprende: faltan épocas.",
                "Con más épocas la distancia crece: la pérdida de validación ya está subiendo.",
            ),
            (
                "La red memoriza sus ejemplos: es sobreajuste.",
                "Así es. Ayudan más datos, menos neuronas, dropout, o quedarse con la época en "
                "que la validación era mejor.",
            ),
            (
                "La validación es demasiado fácil.",
                "Si fuera fácil, su pérdida sería baja. Sube porque lo que la red aprende ahora "
                "solo vale para los ejemplos que ya vio.",
            ),
        ),
        right="b",
        hint="¿Cuál de las dos pérdidas mide ejemplos que la red nunca usó para aprender?",
    ),
    Question(
        number="1.6",
        title="Épocas, lotes y pasos",
        statement=(
            "Hay 1000 ejemplos de entrenamiento y el lote es de 50. ¿Cuántas veces cambian los "
            "pesos en una época?"
        ),
        choices=(
            (
                "1",
                "Una sola vez sería si el lote tuviera los 1000 ejemplos. Los pesos cambian "
                "después de cada lote.",
            ),
            (
                "1000",
                "Eso sería con lotes de un solo ejemplo. Los pesos cambian después de cada lote,"
                " no de cada ejemplo.",
            ),
            (
                "50",
                "50 es el tamaño de un lote, cuántos ejemplos mira antes de cada paso. ¿Cuántos "
                "lotes hay en 1000?",
            ),
            (
                "20",
                "Así es: 1000 / 50 lotes, y un paso después de cada uno. Es el número que Keras "
                "muestra al lado de la barra, 20/20.",
            ),
        ),
        right="d",
        hint="Una época es una vuelta por todos los ejemplos; hay un paso después de cada lote.",
    ),
    Question(
        number="1.7",
        title="Para qué la prueba",
        statement=(
            "Probaste 30 configuraciones y te quedaste con la mejor en validación. ¿Por qué no "
            "basta con esa nota?"
        ),
        choices=(
            (
                "Porque la elegiste con esos mismos datos: la mejor de 30 notas sale en parte "
                "por suerte.",
                "Así es. Elegir también es aprender; por eso la prueba se mira una sola vez, al "
                "final.",
            ),
            (
                "Porque la validación tiene menos ejemplos que el entrenamiento.",
                "Es cierto, y no es la razón: aunque fuera enorme, elegir con ella la vuelve "
                "optimista.",
            ),
            (
                "Porque la red también se entrenó con la validación.",
                "No, sus pesos nunca la vieron. Quien la usó fuiste tú, al elegir.",
            ),
        ),
        right="a",
        hint="Lanza 30 monedas diez veces cada una y quédate con la que más caras dio.",
    ),
    # ---- Taller 2
    Question(
        number="2.6",
        title="El None del resumen",
        statement="`model.summary()` muestra la forma (None, 26, 26, 32). ¿Qué es None?",
        choices=(
            (
                "El tamaño del lote, que puede ser cualquiera.",
                "Así es: la red sirve igual para una imagen que para 256. Los demás son alto, "
                "ancho y canales.",
            ),
            (
                "Un eje que la red todavía no aprende.",
                "Los ejes no se aprenden, solo los pesos. Ese eje se deja abierto.",
            ),
            (
                "Un error: falta decir el tamaño de la imagen.",
                "El tamaño está, 26×26. Lo que queda abierto es cuántas imágenes llegan a la vez.",
            ),
        ),
        right="a",
        hint="¿Qué puede cambiar entre fit y predict sin que cambie ningún peso?",
    ),
    Question(
        number="2.7",
        title="Dropout al predecir",
        statement=(
            "Una capa `Dropout(0.3)` apaga el 30 % de los números. ¿Qué hace en `model.predict`?"
        ),
        choices=(
            (
                "Apaga otro 30 % cada vez, y por eso la respuesta cambia un poco.",
                "En predict no: la misma imagen da siempre la misma respuesta. Solo apaga "
                "durante el entrenamiento.",
            ),
            (
                "Nada: deja pasar todo tal cual.",
                "Así es. Al entrenar, Keras agranda lo que queda (divide por 0,7) para que al "
                "predecir no haya que corregir nada.",
            ),
            (
                "Apaga siempre los mismos, los que resultaron inútiles.",
                "Dropout no elige: al entrenar sortea de nuevo en cada paso, y no recuerda nada.",
            ),
        ),
        right="b",
        hint="¿Darías dos diagnósticos distintos a la misma radiografía?",
    ),
    Question(
        number="2.8",
        title="Dar vuelta un dígito",
        statement=(
            "Para aumentar los datos de MNIST, ¿cuál de estos cambios estropea las etiquetas?"
        ),
        choices=(
            (
                "Correr el dígito dos píxeles.",
                "Un 7 corrido sigue siendo un 7: la etiqueta vale, y la red aprende a no "
                "depender del lugar.",
            ),
            (
                "Girarlo unos pocos grados.",
                "La gente escribe así: un 7 algo inclinado sigue siendo un 7.",
            ),
            (
                "Agrandarlo un 10 %.",
                "El tamaño no cambia qué dígito es.",
            ),
            (
                "Girarlo 180 grados.",
                "Así es: un 6 se vuelve 9 y su etiqueta sigue diciendo 6. Un aumento es bueno si"
                " la respuesta correcta no cambia con él.",
            ),
        ),
        right="d",
        hint="Después del cambio, ¿una persona respondería lo mismo?",
    ),
    # ---- Taller 3
    Question(
        number="3.5",
        title="Gemelas en la validación",
        statement=(
            "Cada fotografía está muchas veces, con pequeños cambios, y se reparte imagen por "
            "imagen, al azar. ¿Cómo sale la nota de validación?"
        ),
        choices=(
            (
                "Demasiado alta.",
                "Así es: casi cada imagen de validación tiene una gemela en el entrenamiento, y "
                "para acertar basta con recordarla.",
            ),
            (
                "Demasiado baja.",
                "Al contrario: la red ya vio casi la misma imagen con su respuesta.",
            ),
            (
                "Igual, porque ninguna imagen está en los dos lados.",
                "Exactamente la misma no, pero su gemela sí, y para memorizar da lo mismo.",
            ),
        ),
        right="a",
        hint="¿Qué necesita saber la red para reconocer una copia de algo que ya vio?",
    ),
    Question(
        number="3.6",
        title="El atajo de ResNet",
        statement="Un bloque residual calcula x + f(x). ¿Qué gana con el + x?",
        choices=(
            (
                "Tiene menos pesos que el mismo bloque sin atajo.",
                "Los pesos son los mismos: sumar no necesita ninguno.",
            ),
            (
                "El gradiente pasa también por un camino en el que nada lo achica.",
                "Así es: la derivada es 1 + f'(x). Y si f aprende a ser 0, el bloque deja pasar "
                "x: agregar bloques no obliga a perder nada.",
            ),
            (
                "La red ya no puede sobreajustar.",
                "Sí puede: el atajo ayuda a entrenar redes profundas, y no cuida de lo que "
                "memorizan.",
            ),
        ),
        right="b",
        hint="Deriva x + f(x). ¿Qué pasa si f' es casi cero?",
    ),
    Question(
        number="3.7",
        title="98 % de exactitud",
        statement=(
            "De 1000 radiografías, 20 son de enfermos. Un programa acierta en el 98 %. ¿Qué "
            "sabes de él?"
        ),
        choices=(
            (
                "Que encuentra a 98 de cada 100 enfermos.",
                "Eso sería la sensibilidad, que mira solo a los enfermos. La exactitud cuenta a "
                "todos, y casi todos están sanos.",
            ),
            (
                "Que da 2 % de falsas alarmas.",
                "Sus 20 errores pueden ser falsas alarmas, enfermos que no vio, o de los dos.",
            ),
            (
                "Casi nada: responder siempre «sano» también acierta en el 98 %.",
                "Así es: 980 de 1000, sin encontrar a nadie. Con clases tan desiguales se mira "
                "la sensibilidad y las falsas alarmas por separado.",
            ),
        ),
        right="c",
        hint="¿Cuánto acierta quien no mira la imagen?",
    ),
    # ---- Taller 4
    Question(
        number="4.5",
        title="Por qué no la exactitud",
        statement=(
            "El tumor ocupa el 1 % de los vóxeles. ¿Por qué se mide con Dice y no con la "
            "fracción de vóxeles acertados?"
        ),
        choices=(
            (
                "Porque Dice se calcula más rápido.",
                "Las dos cuentan vóxeles y cuestan lo mismo.",
            ),
            (
                "Porque una máscara vacía tendría 99 % de aciertos, y un Dice de 0.",
                "Así es: en Dice el fondo bien respondido no suma. Solo cuenta el tumor, el que "
                "había y el que se respondió.",
            ),
            (
                "Porque Dice siempre da una nota más alta.",
                "Al contrario: aquí la fracción de aciertos sería casi siempre mayor, y por eso "
                "engaña.",
            ),
        ),
        right="b",
        hint="Calcula las dos notas de quien responde que no hay tumor en ninguna parte.",
    ),
    Question(
        number="4.6",
        title="Los atajos de la U-Net",
        statement="¿Qué lleva un atajo del codificador al decodificador?",
        choices=(
            (
                "El detalle fino, que al achicar la imagen se perdió.",
                "Así es: abajo se sabe qué hay, y arriba dónde están sus bordes. El "
                "decodificador necesita las dos cosas.",
            ),
            (
                "La máscara correcta, para compararla.",
                "La máscara correcta solo la ve la pérdida; la red nunca la recibe.",
            ),
            (
                "Los pesos, para no aprenderlos dos veces.",
                "Cada lado tiene los suyos. Por el atajo van mapas, lo que la red calculó de "
                "esta imagen.",
            ),
        ),
        right="a",
        hint="Después de tres poolings, ¿con cuánta precisión se sabe dónde está un borde?",
    ),
    Question(
        number="4.7",
        title="Cortes y pacientes",
        statement=(
            "Vas a separar una validación de 100 pacientes con 155 cortes cada uno. ¿Qué sorteas?"
        ),
        choices=(
            (
                "Cortes, para que haya de todos los pacientes en los dos lados.",
                "Así un corte y su vecino, casi iguales, quedan en lados distintos, y la nota "
                "sale regalada.",
            ),
            (
                "Cortes, pero solo los que tienen tumor.",
                "Dos cortes vecinos con tumor se parecen igual de mucho: la nota seguiría "
                "regalada.",
            ),
            (
                "Pacientes, con todos sus cortes.",
                "Así es: la pregunta es cómo le irá con un paciente nuevo, y ninguno de los de "
                "validación debe haberse visto antes.",
            ),
        ),
        right="c",
        hint="Es lo mismo que las fotografías del Taller 3.",
    ),
    # ---- Taller 5
    Question(
        number="5.3",
        title="Por qué congelar",
        statement=(
            "Hay 160 radiografías y una red prestada con 20 millones de pesos. ¿Por qué se "
            "entrena primero solo la capa nueva?"
        ),
        choices=(
            (
                "Porque Keras no permite entrenar una red prestada.",
                "Sí lo permite, con trainable = True: es lo que se hace después, con una tasa de"
                " aprendizaje pequeña.",
            ),
            (
                "Porque la capa nueva empieza al azar, y sus errores echarían a perder lo "
                "aprendido.",
                "Así es: sus primeros gradientes son grandes y dicen poco. Y con tan pocas "
                "imágenes, 20 millones de pesos se memorizan fácilmente.",
            ),
            (
                "Porque las capas prestadas ya conocen las radiografías.",
                "Conocen fotografías, no radiografías. Sirven porque los bordes y las texturas "
                "son de todas las imágenes.",
            ),
        ),
        right="b",
        hint="¿Qué gradiente llega a las capas prestadas en el primer paso?",
    ),
    Question(
        number="5.4",
        title="Una validación demasiado buena",
        statement=(
            "Los pacientes de validación tampoco se vieron al entrenar. La AUC es 0,99 con ellos y "
            "0,97 en la prueba oficial. ¿Qué nota le darías a un hospital que quiere usar la red?"
        ),
        choices=(
            (
                "0,99: la validación separa pacientes, así que no hay trampa.",
                "No hay trampa, pero sale de la misma mezcla que el entrenamiento: los mismos "
                "aparatos, los mismos casos. El hospital trae otros.",
            ),
            (
                "El promedio de las dos, 0,98.",
                "No hay ningún hospital al que le corresponda ese promedio: cada nota dice algo "
                "de sus propios pacientes.",
            ),
            (
                "Ninguna de las dos: 0,97, o menos, hasta medirla con sus propios pacientes.",
                "Así es. La prueba ya mostró que con otra mezcla la red acierta menos, y su "
                "hospital es otra más.",
            ),
        ),
        right="c",
        hint="¿De dónde salen los pacientes de cada parte?",
    ),
    Question(
        number="5.5",
        title="Una alarma y su respuesta",
        statement=(
            "Un programa avisa de un tumor en una mamografía. La enfermedad es rara y el "
            "programa encuentra casi todos los tumores. ¿Qué dice un aviso?"
        ),
        choices=(
            (
                "Que casi seguro hay un tumor.",
                "Que encuentre casi todos no dice cuántos avisos son falsos. Si hay 5 enfermas "
                "entre 1000 y 5 % de falsas alarmas, avisa de unas 50 sanas.",
            ),
            (
                "Que vale la pena mirar: muchos avisos pueden ser falsos, y decide una persona.",
                "Así es. Cuando lo buscado es raro, hasta pocas falsas alarmas por cien superan "
                "a los hallazgos. El programa es una segunda opinión, y responde quien "
                "diagnostica.",
            ),
            (
                "Nada: un programa que se equivoca no sirve.",
                "Sirve, si se conocen sus errores: de 1000 imágenes deja unas 55 por mirar de "
                "cerca, y entre ellas casi todos los tumores.",
            ),
        ),
        right="b",
        hint="Imagina 1000 mujeres, 5 de ellas enfermas, y un 5 % de falsas alarmas.",
    ),
    # ---- Taller 5b
    Question(
        number="5b.4",
        title="Mover el umbral",
        statement=(
            "Un detector marca lo que tiene una probabilidad de 0,5 o más. Si subes el umbral a"
            " 0,8, ¿qué puede pasar con la exhaustividad?"
        ),
        choices=(
            (
                "Solo subir.",
                "Con un umbral más alto se toman menos hallazgos: no puede aparecer ninguno nuevo.",
            ),
            (
                "Subir o bajar.",
                "Eso le pasa a la precisión, según qué hallazgos se vayan. La exhaustividad "
                "divide por los objetos que hay, y esos no cambian.",
            ),
            (
                "Bajar o quedar igual.",
                "Así es: quedan los mismos hallazgos o menos, sobre los mismos objetos. Lo que "
                "suele subir es la precisión.",
            ),
        ),
        right="c",
        hint="¿Puede un umbral más alto encontrar algo que el bajo no encontró?",
    ),
    Question(
        number="5b.5",
        title="Dos cajas, un tumor",
        statement=(
            "Un detector deja dos cajas sobre el mismo tumor, y las dos se le superponen bastante. "
            "¿Cómo se cuentan?"
        ),
        choices=(
            (
                "Dos aciertos.",
                "Entonces bastaría repetir cajas para subir la nota, y la exhaustividad podría "
                "pasar de 100 %: de un tumor se habrían encontrado dos.",
            ),
            (
                "Un acierto y un error.",
                "Así es: la más segura se queda con el tumor, y la otra dice que hay uno más, que "
                "no está. Por eso se suprimen las repetidas antes de medir.",
            ),
            (
                "Dos errores.",
                "El tumor sí se encontró, una vez. Si no contara, la exhaustividad diría que se "
                "perdió.",
            ),
        ),
        right="b",
        hint="¿Cuántos tumores hay, y cuántos dice el detector que hay?",
    ),
    Question(
        number="5b.6",
        title="Lo que no se puede contar",
        statement=(
            "Al clasificar se habla de especificidad: de los sanos, a cuántos se deja en paz. ¿Por "
            "qué al detectar se usa la precisión en su lugar?"
        ),
        choices=(
            (
                "Porque un detector no da falsas alarmas.",
                "Sí las da: cada caja donde no hay nada es una, y baja la precisión.",
            ),
            (
                "Porque son lo mismo con otro nombre.",
                "No lo son: la precisión divide por lo que se encontró, la especificidad por lo "
                "que no había que encontrar.",
            ),
            (
                "Porque lo bien rechazado no se puede contar: cajas sin nada hay tantas como uno "
                "quiera.",
                "Así es. Con una caja por píxel la especificidad sería casi 100 % siempre. La "
                "precisión no necesita esa cuenta.",
            ),
        ),
        right="c",
        hint="¿Por qué número se divide en cada una?",
    ),
    # ---- Taller 6
    Question(
        number="6.5",
        title="Una foto de otra cosa",
        statement=(
            "Tu red distingue tres hongos, con 97 % de aciertos en la prueba. Le muestras un zapato"
            " y responde «champiñón, 99 %». ¿Qué pasó?"
        ),
        choices=(
            (
                "La red está mal entrenada: debió dar un tercio a cada hongo.",
                "Ninguna imagen le enseñó a dudar. Softmax reparte el 100 % entre las clases que "
                "hay, y lejos de lo que vio puede quedar en cualquier parte.",
            ),
            (
                "Solo puede elegir entre sus clases, y su probabilidad vale para imágenes como las "
                "del entrenamiento.",
                "Así es. Que algo no sea ningún hongo no está entre sus respuestas. Si va a pasar, "
                "hace falta una clase para eso, con ejemplos.",
            ),
            (
                "El zapato se parece de verdad a un champiñón.",
                "Puede compartir un color o una textura, pero la probabilidad no mide parecido: "
                "compara los hongos entre sí.",
            ),
        ),
        right="b",
        hint="¿Cuánto suman siempre las salidas de softmax?",
    ),
    Question(
        number="6.6",
        title="La regla en la foto",
        statement=(
            "En tus fotos de piel casi todas las lesiones malignas traen una regla al lado: el "
            "médico la pone cuando algo le preocupa. La red acierta 95 % en la prueba. ¿Qué haces?"
        ),
        choices=(
            (
                "Tapas la regla, o la recortas, y mides otra vez.",
                "Así es: si la nota cae, la red leía la regla y no la piel. La prueba no lo "
                "mostraba porque trae la misma pista; un mapa de oclusión sí puede.",
            ),
            (
                "Nada: la prueba no se usó para entrenar, y la nota vale.",
                "Vale para fotos con la misma regla. Donde nadie la puso todavía, que es donde la "
                "red haría falta, no se sabe.",
            ),
            (
                "Entrenas más épocas, hasta que aprenda la piel.",
                "La regla basta para bajar la pérdida: con más épocas la aprende mejor.",
            ),
        ),
        right="a",
        hint="¿Qué mira la red, y cómo lo sabrías?",
    ),
    Question(
        number="6.7",
        title="Dónde termina la lesión",
        statement=(
            "De 200 cortes de piel quieres saber *dónde* termina cada lesión, y cuánto mide. ¿Qué "
            "tienes que conseguir?"
        ),
        choices=(
            (
                "Una carpeta de cortes con lesión y otra sin.",
                "Con eso la red aprende si hay una lesión, no dónde. Un mapa de oclusión da una "
                "pista, pero no un borde que se pueda medir.",
            ),
            (
                "Un CSV con el diámetro de cada lesión.",
                "Con eso se aprende un número por imagen, una regresión. El borde no se le enseñó.",
            ),
            (
                "De cada corte una máscara, del mismo tamaño, dibujada por quien sabe.",
                "Así es: a la red se le enseña una respuesta por píxel. Como PNG, que guarda los "
                "valores; un JPG los cambia.",
            ),
        ),
        right="c",
        hint="La respuesta que quieres de la red, ¿qué forma tiene?",
    ),
)
