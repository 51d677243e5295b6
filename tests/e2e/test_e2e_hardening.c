/* The program's file, as the linker left it: what makes a fault in it hard to use. */
#include "harness/program.h"
#include "harness/skip.h"

#include <check.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The program's file, mapped. */
struct image {
    const char *bytes;
    size_t size;
    const ElfW(Ehdr) * head;
    const ElfW(Phdr) * segments;
};

static void open_image(struct image *image) {
    struct stat st;
    int fd = open(program_path(), O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0 && fstat(fd, &st) == 0, "%s", program_path());
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    close(fd);
    *image = (struct image){.bytes = bytes, .size = (size_t)st.st_size, .head = bytes};
    ck_assert_mem_eq(bytes, ELFMAG, SELFMAG);
    image->segments = (const void *)(image->bytes + image->head->e_phoff);
}

static const ElfW(Phdr) * segment_of(const struct image *image, unsigned type) {
    for (int i = 0; i < image->head->e_phnum; i++)
        if (image->segments[i].p_type == type)
            return &image->segments[i];
    return NULL;
}

/* Where an address of the running program stands in the file. */
static const char *at_address(const struct image *image, uint64_t address) {
    for (int i = 0; i < image->head->e_phnum; i++) {
        const ElfW(Phdr) *segment = &image->segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address < segment->p_vaddr + segment->p_filesz)
            return image->bytes + segment->p_offset + (address - segment->p_vaddr);
    }
    return NULL;
}

/* The value of an entry of the dynamic section, 0 where it has none. */
static uint64_t dynamic_value(const struct image *image, int64_t tag) {
    const ElfW(Phdr) *segment = segment_of(image, PT_DYNAMIC);
    ck_assert_ptr_nonnull(segment);
    const ElfW(Dyn) *entry = (const void *)(image->bytes + segment->p_offset);
    for (; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == tag)
            return entry->d_un.d_val;
    return 0;
}

/* Whether the program takes a function of that name from a library. */
static bool imports(const struct image *image, const char *name) {
    const char *texts = at_address(image, dynamic_value(image, DT_STRTAB));
    ck_assert_ptr_nonnull(texts);
    return memmem(texts, (size_t)dynamic_value(image, DT_STRSZ), name, strlen(name) + 1) != NULL;
}

START_TEST(the_program_may_be_loaded_at_any_address) {
    struct image image;
    open_image(&image);
    ck_assert_int_eq(image.head->e_type, ET_DYN);
    ck_assert(dynamic_value(&image, DT_FLAGS_1) & DF_1_PIE);
}
END_TEST

START_TEST(no_memory_is_both_written_and_executed) {
    struct image image;
    open_image(&image);
    for (int i = 0; i < image.head->e_phnum; i++)
        ck_assert_uint_ne(image.segments[i].p_flags & (PF_W | PF_X), PF_W | PF_X);
    const ElfW(Phdr) *stack = segment_of(&image, PT_GNU_STACK);
    ck_assert_ptr_nonnull(stack); /* without it the kernel gives an executable one */
    ck_assert_uint_eq(stack->p_flags & PF_X, 0);
}
END_TEST

START_TEST(code_stands_apart_from_data_that_is_only_read) {
    struct image image;
    open_image(&image);
    for (int i = 0; i < image.head->e_phnum; i++)
        if (image.segments[i].p_type == PT_LOAD && image.segments[i].p_flags & PF_X)
            ck_assert_uint_ne(image.segments[i].p_offset, 0); /* else with the headers and all tables */
}
END_TEST

/* Full RELRO: addresses of functions are looked up at start, and cannot be written after it. */
START_TEST(the_table_of_functions_cannot_be_written) {
    struct image image;
    open_image(&image);
    ck_assert_ptr_nonnull(segment_of(&image, PT_GNU_RELRO));
    ck_assert(
        (dynamic_value(&image, DT_FLAGS) & DF_BIND_NOW) || (dynamic_value(&image, DT_FLAGS_1) & DF_1_NOW));
}
END_TEST

START_TEST(an_overrun_of_the_stack_or_of_a_buffer_ends_the_process) {
    struct image image;
    open_image(&image);
    ck_assert(imports(&image, "__stack_chk_fail"));
#if defined(__SANITIZE_ADDRESS__) || defined(BH_COVERAGE)
    skip_test("an_overrun_of_the_stack_or_of_a_buffer_ends_the_process", "built without _FORTIFY_SOURCE");
    return;
#endif
    ck_assert(imports(&image, "__snprintf_chk"));
    ck_assert(imports(&image, "__read_chk")); /* of a length that is known at run time */
}
END_TEST

START_TEST(no_path_of_libraries_is_built_in) {
    struct image image;
    open_image(&image);
    ck_assert_uint_eq(dynamic_value(&image, DT_RPATH), 0);
    ck_assert_uint_eq(dynamic_value(&image, DT_RUNPATH), 0);
}
END_TEST

Suite *e2e_hardening_suite(void) {
    Suite *suite = suite_create("e2e_hardening");
    TCase *cases = tcase_create("file");
    tcase_add_test(cases, the_program_may_be_loaded_at_any_address);
    tcase_add_test(cases, no_memory_is_both_written_and_executed);
    tcase_add_test(cases, code_stands_apart_from_data_that_is_only_read);
    tcase_add_test(cases, the_table_of_functions_cannot_be_written);
    tcase_add_test(cases, an_overrun_of_the_stack_or_of_a_buffer_ends_the_process);
    tcase_add_test(cases, no_path_of_libraries_is_built_in);
    suite_add_tcase(suite, cases);
    return suite;
}
