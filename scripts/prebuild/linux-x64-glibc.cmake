# Code for the GPU generations that most have; PTX serves all others from Turing on: the driver compiles it at the first
# call, and keeps it. A build from source has code for every generation.
set(SCALOSS_CUDA_ARCHITECTURES 80-real 90-real 120-real 75-virtual)
set(SCALOSS_OLD_GLIBC ON)
set(SCALOSS_CUDA ON)
