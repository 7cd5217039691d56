/// Program of one item: code that is not trusted, and tests that are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The answer's code, a whole Python module.
    pub code: String,
    /// Python that defines what the tests use beside the answer, such as the prompt's other functions. It is left out
    /// if it does not compile.
    pub setup: String,
    /// Tests in Python. They call the functions of the answer by their names.
    pub tests: String,
    /// Function of the answer that the tests' `check` is called with. Without one, running the tests is all.
    pub entry_point: Option<String>,
}
