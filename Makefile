# make train        watch a CNN learn to read digits, and open its report
# make demo         a page in your browser: draw a digit, and a trained network reads it
# make test         the whole suite
# make lint         ruff: check and format
# make test-lowest  all but the lessons with the lowest versions that requirements.txt declares
# make test-forms   every lesson as script, as Kaggle kernel and as notebook, with those versions
# make test-jax     models, losses, metrics, explain and each lesson with JAX in TensorFlow's place;
#                   several processes and devices
# make test-torch   models, losses, metrics and explain with PyTorch
# make test-matrix  what is promised everywhere: other backends, strategies, the other Keras, notebooks
# make test-to-try  what each lesson proposes under "Para probar", done in a notebook
# make test-gradio  a Space with Gradio, built and started in an environment of its own
# make test-browser the demo's page, in Chromium: apt-get install chromium chromium-driver
# make bench        the tables of benchmarks/ beside their peers: four hours, nothing else running
# make bench-quick  most of them in eight minutes, only to see that they run
# make fuzz         the long run of the property tests: 28,000 damaged inputs
#
# Each makes the environment it needs and installs only what is missing.

# The first Python from 3.11 to 3.13 that starts and can make an environment.
PYTHON := $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(shell \
	$(name) -c "import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" \
	2>/dev/null && echo $(name))))

.PHONY: train demo test lint test-lowest test-forms test-jax test-torch test-matrix test-to-try \
	test-gradio test-browser bench bench-quick fuzz

train: .venv/runtime
	.venv/bin/python -m course run taller2 --source sample

demo: .venv/demo
	.venv/bin/python -m course demo

# Two processes, a file of tests each: on two cores that takes two thirds of the time. Files keep
# their order: the heaviest, the lessons, have few tests, and xdist would begin them last.
PYTEST := -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test: .venv/test
	.venv/bin/python $(PYTEST)

lint: .venv/test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

# Without the lessons: test-forms runs them with these versions, in every form.
test-lowest: .venv-lowest/test
	.venv-lowest/bin/python $(PYTEST) --ignore-glob='tests/kernels/test_taller*'

# The lowest versions are those that Kaggle and Colab ship.
test-forms: .venv-lowest/test
	.venv-lowest/bin/python -m pytest -m forms

# the rooms that keras.ops alone must carry
ON_ANY_BACKEND := tests/models/test_batch_norm.py tests/models/test_mlp_cnn.py \
	tests/models/test_unet.py tests/models/test_vgg_resnet.py tests/models/test_without_course.py \
	tests/test_losses.py tests/metrics tests/explain course/losses.py course/metrics

PROCESSES := tests/training/test_processes.py

test-jax: .venv/jax
	KERAS_BACKEND=jax .venv/bin/python $(PYTEST) $(ON_ANY_BACKEND)
	KERAS_BACKEND=jax .venv/bin/python -m pytest tests/kernels/test_on_jax.py
	.venv/bin/python -m pytest -n 2 --dist load --maxschedchunk 1 -m matrix $(PROCESSES)

# On Linux pip brings PyTorch with CUDA, 3 GB. Where there is a build without it, name that one:
# make test-torch TORCH=torch==2.13.0+cpu
test-torch: .venv/torch
	KERAS_BACKEND=torch .venv/bin/python $(PYTEST) $(ON_ANY_BACKEND)

# JAX is brought along; PyTorch's rows are skipped where test-torch has not been run. The other
# Python has the lowest versions: what one Keras writes, the other reads.
test-matrix: .venv/jax .venv-lowest/jax
	COURSE_OTHER_PYTHON=.venv-lowest/bin/python .venv/bin/python -m pytest -n 2 --dist load --maxschedchunk 1 -m matrix --ignore=$(PROCESSES)

test-to-try: .venv/test
	.venv/bin/python -m pytest -n 2 --dist load --maxschedchunk 1 -m to_try

# As Hugging Face would: the Space's own requirements.txt and nothing else. The first time it brings
# TensorFlow and Gradio, 2.5 GB on disk, in about two minutes; later it takes half a minute.
GRADIO_SPACE := build/test-gradio

test-gradio: .venv/runtime | .venv-gradio/bin/pip
	.venv/bin/python -m course space build course/demo/digits --gradio --to $(GRADIO_SPACE)
	.venv-gradio/bin/python -m pip install -r $(GRADIO_SPACE)/requirements.txt
	.venv-gradio/bin/python tests/demo/gradio_space.py $(GRADIO_SPACE)

# One process, one browser. Without Chromium, or if there is no test, it fails.
test-browser: .venv/browser
	.venv/bin/python -m pytest -m browser tests/browser

# One after another: each has the machine to itself, and what it has printed replaces the table that
# lies beside it. The first run fetches MNIST, Sign MNIST and California housing from Kaggle.
# By hand: scores.py (the README's table, in parts), equal_time.py real and gives (tables of their
# own), demo_network.py (it replaces that network), and what wants more: demo_speed.py (Chromium),
# processes.py (JAX), real_cases.py and chest_xray.py (data), usb_kit.py (the internet),
# deliveries.py, gpu.py.
BENCH := small_things california mnist architectures unet_speed whole_volume equal_time mask_scores \
	data_speed loader_speed folders_speed cases

bench: .venv/bench
	for name in $(BENCH); do \
		echo $$name; \
		.venv/bin/python benchmarks/$$name.py > benchmarks/$$name.new || exit 1; \
		mv benchmarks/$$name.new benchmarks/$$name.txt; \
	done

bench-quick: .venv/bench
	.venv/bin/python benchmarks/small_things.py --quick
	.venv/bin/python benchmarks/california.py --quick
	.venv/bin/python benchmarks/mnist.py --quick
	.venv/bin/python benchmarks/architectures.py --source sample --epochs 1 --limit 500
	.venv/bin/python benchmarks/unet_speed.py --rounds 2
	.venv/bin/python benchmarks/whole_volume.py --quick
	.venv/bin/python benchmarks/equal_time.py --quick
	.venv/bin/python benchmarks/mask_scores.py --quick
	.venv/bin/python benchmarks/data_speed.py --quick
	.venv/bin/python benchmarks/loader_speed.py --cases 2 --rounds 1 --steps 2
	.venv/bin/python benchmarks/folders_speed.py --pictures 40 --twins 100 --epochs 2

# One process, so that its memory is that of one input after another; a table comes at the end.
fuzz: .venv/test
	FUZZ=5 .venv/bin/python -m pytest -p tests.fuzzing tests/datasets/test_fuzz.py \
		tests/datasets/brats/test_nifti.py tests/export/test_fuzz.py tests/kaggle/test_fuzz.py \
		tests/training/test_fuzz.py

# `>=` in requirements.txt becomes `==`: what is declared as enough is what gets tested.
.venv-lowest/test: requirements.txt pyproject.toml | .venv-lowest/bin/pip
	sed 's/>=/==/' requirements.txt > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install -c .venv-lowest/lowest.txt -e ".[test]"
	touch $@

.venv-lowest/jax: .venv-lowest/test
	.venv-lowest/bin/python -m pip install -c .venv-lowest/lowest.txt -e ".[test,jax]"
	touch $@

.venv/test: .venv/runtime pyproject.toml
	.venv/bin/python -m pip install -e ".[test]"
	touch $@

.venv/demo: .venv/runtime pyproject.toml
	.venv/bin/python -m pip install -e ".[demo]"
	touch $@

.venv/browser: .venv/test
	.venv/bin/python -m pip install -e ".[test,browser]"
	touch $@

.venv/jax: .venv/test
	.venv/bin/python -m pip install -e ".[test,jax]"
	touch $@

.venv/bench: .venv/runtime pyproject.toml
	.venv/bin/python -m pip install -e ".[bench]" $(TORCH)
	touch $@

.venv/torch: .venv/test
	.venv/bin/python -m pip install -e ".[test,torch]" $(TORCH)
	touch $@

.venv/runtime: requirements.txt | .venv/bin/pip
	.venv/bin/python -m pip install -r requirements.txt
	touch $@

# pip comes last: an environment whose making was interrupted is made again.
.venv/bin/pip .venv-lowest/bin/pip .venv-gradio/bin/pip:
ifeq ($(PYTHON),)
	@echo "No Python from 3.11 to 3.13 was found (TensorFlow has no release for others yet)."
	@echo "Install one, then type make again:"
	@echo "  Debian, Ubuntu:  sudo apt install python3 python3-venv"
	@echo "  macOS:           brew install python@3.12"
	@echo "  Windows:         winget install Python.Python.3.12   (then see the README)"
	@exit 1
else
	$(PYTHON) -m venv $(@D:/bin=)
endif
