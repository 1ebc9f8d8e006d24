# Names for the commands people look for here. Each is one script or one command; none needs make.
.PHONY: demo test simulate real-llm real-llm-stop bench bench-globus fuzz format lint clean

demo:
	scripts/demo

test:
	scripts/test

simulate:
	scripts/simulate

real-llm:
	scripts/real-llm start

real-llm-stop:
	scripts/real-llm stop

bench:
	Benchmarks/proxy

bench-globus:
	Benchmarks/globus

fuzz:
	scripts/fuzz

format:
	swift format format --in-place --parallel --recursive Sources Tests Package.swift

lint:
	swift format lint --strict --parallel --recursive Sources Tests Package.swift

clean: real-llm-stop
	rm -rf .build .build-*
